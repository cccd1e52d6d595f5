using System.Reflection.Emit;

namespace Orleans.Runtime
{
    /// <summary>Writes, at run time and once per grain interface, what Orleans generates from source: a proxy class
    /// that implements the interface, and per method an <see cref="Invokable"/> with a field per argument. Each
    /// interface gets a dynamic assembly of its own that may see internal types of the assemblies it needs.</summary>
    internal static class ProxyBuilder
    {
        private static readonly ConcurrentDictionary<Type, Lazy<ProxyType>> Built = new();

        public static ProxyType Get(Type grainInterface) => Built.GetOrAdd(
                grainInterface, static type => new Lazy<ProxyType>(() => Build(InterfaceDescriptor.Of(type)))).Value;

        private static ProxyType Build(InterfaceDescriptor description)
        {
            var assembly = AssemblyBuilder.DefineDynamicAssembly(
                new AssemblyName("Orleans.Lite.Proxies." + description.Type.FullName), AssemblyBuilderAccess.Run);
            GrantAccess(assembly, description.Type);
            var module = assembly.DefineDynamicModule("proxies");
            var proxy = module.DefineType(
                description.Type.Name + "Proxy", TypeAttributes.Class | TypeAttributes.Sealed, typeof(GrainReference),
                [description.Type]);
            proxy.DefineDefaultConstructor(MethodAttributes.Public);
            foreach (var method in description.Methods)
            {
                var invokable = InvokableBuilder.Build(module, method);
                DefineMethod(proxy, method, invokable);
            }

            return new ProxyType(description, proxy.CreateType());
        }

        /// <summary>Access to the internals of the interface's assembly and of what that knows.</summary>
        private static void GrantAccess(AssemblyBuilder assembly, Type type)
        {
            var constructor = typeof(IgnoresAccessChecksToAttribute).GetConstructor([typeof(string)])!;
            AssemblyName[] known = [type.Assembly.GetName(), .. type.Assembly.GetReferencedAssemblies()];
            foreach (var name in known.Append(typeof(ProxyBuilder).Assembly.GetName()).Select(each => each.Name))
            {
                assembly.SetCustomAttribute(new CustomAttributeBuilder(constructor, [name!]));
            }
        }

        /// <summary>One of the four methods Prefix[Value]Task[Of] that fit the four kinds of task.</summary>
        public static MethodInfo ForTask(Type owner, string prefix, Type task)
        {
            var name = prefix + (task.Name.StartsWith("ValueTask", StringComparison.Ordinal) ? "ValueTask" : "Task");
            MethodInfo Find(string each) => owner.GetMethod(
                each, BindingFlags.Instance | BindingFlags.Static | BindingFlags.NonPublic)!;

            return task.IsGenericType ? Find(name + "Of").MakeGenericMethod(task.GetGenericArguments()) : Find(name);
        }

        private static void DefineMethod(TypeBuilder proxy, MethodDescriptor method, Type invokable)
        {
            var builder = proxy.DefineMethod($"{method.Interface.FullName}.{method.Method.Name}",
                MethodAttributes.Private | MethodAttributes.Virtual | MethodAttributes.Final
                    | MethodAttributes.HideBySig | MethodAttributes.NewSlot,
                method.Method.ReturnType, method.ParameterTypes);
            var il = builder.GetILGenerator();
            il.Emit(OpCodes.Ldarg_0);
            il.Emit(OpCodes.Newobj, invokable.GetConstructor(Type.EmptyTypes)!);
            for (var i = 0; i < method.ParameterTypes.Length; i++)
            {
                il.Emit(OpCodes.Dup);
                il.Emit(OpCodes.Ldarg, (short)(i + 1));
                il.Emit(OpCodes.Stfld, method.ArgumentFields[i]);
            }

            il.Emit(OpCodes.Call, ForTask(typeof(GrainReference), "Invoke", method.Method.ReturnType));
            il.Emit(OpCodes.Ret);
            proxy.DefineMethodOverride(builder, method.Method);
        }
    }

    /// <summary>The proxy class of an interface.</summary>
    internal sealed class ProxyType(InterfaceDescriptor description, Type type)
    {
        private readonly ConstructorInvoker _constructor =
            ConstructorInvoker.Create(type.GetConstructor(Type.EmptyTypes)!);

        public InterfaceDescriptor Description { get; } = description;

        public GrainReference New(GrainId id, CallRuntime runtime)
        {
            var reference = (GrainReference)_constructor.Invoke();
            reference.Bind(id, Description, runtime);
            return reference;
        }
    }

    /// <summary>Writes the <see cref="Invokable"/> of one method.</summary>
    internal static class InvokableBuilder
    {
        private const MethodAttributes Override =
            MethodAttributes.Public | MethodAttributes.Virtual | MethodAttributes.HideBySig;

        public static Type Build(ModuleBuilder module, MethodDescriptor method)
        {
            var type = module.DefineType($"{method.Interface.Name}_{method.Method.Name}_{method.Id:x}",
                TypeAttributes.Class | TypeAttributes.Sealed,
                typeof(Invokable));
            var descriptor = type.DefineField(
                "Method", typeof(MethodDescriptor), FieldAttributes.Public | FieldAttributes.Static);
            var arguments = method.ParameterTypes
                .Select((parameter, i) => type.DefineField($"Arg{i}", parameter, FieldAttributes.Public)).ToArray();
            type.DefineDefaultConstructor(MethodAttributes.Public);
            DefineDescriptor(type, descriptor);
            DefineInvoke(type, method, arguments);
            if (method.TokenIndex >= 0)
            {
                DefineToken(type, arguments[method.TokenIndex]);
            }

            var created = type.CreateType();
            created.GetField("Method")!.SetValue(null, method);
            method.ArgumentFields = [.. arguments.Select(argument => created.GetField(argument.Name)!)];
            var constructor = ConstructorInvoker.Create(created.GetConstructor(Type.EmptyTypes)!);
            method.NewInvokable = () => (Invokable)constructor.Invoke();
            return created;
        }

        private static void DefineDescriptor(TypeBuilder type, FieldBuilder field)
        {
            var getter = type.DefineMethod("get_Descriptor", Override, typeof(MethodDescriptor), Type.EmptyTypes);
            var il = getter.GetILGenerator();
            il.Emit(OpCodes.Ldsfld, field);
            il.Emit(OpCodes.Ret);
        }

        private static void DefineInvoke(TypeBuilder type, MethodDescriptor method, FieldBuilder[] arguments)
        {
            var invoke = type.DefineMethod(
                nameof(Invokable.InvokeAsync), Override, typeof(ValueTask<Response>), [typeof(object)]);
            var il = invoke.GetILGenerator();
            il.Emit(OpCodes.Ldarg_1);
            il.Emit(OpCodes.Castclass, method.Interface);
            foreach (var argument in arguments)
            {
                il.Emit(OpCodes.Ldarg_0);
                il.Emit(OpCodes.Ldfld, argument);
            }

            il.Emit(OpCodes.Callvirt, method.Method);
            il.Emit(OpCodes.Call, ProxyBuilder.ForTask(typeof(Invokable), "Finish", method.Method.ReturnType));
            il.Emit(OpCodes.Ret);
        }

        private static void DefineToken(TypeBuilder type, FieldBuilder field)
        {
            var getter = type.DefineMethod(
                nameof(Invokable.GetCancellationToken), Override, typeof(CancellationToken), Type.EmptyTypes);
            var il = getter.GetILGenerator();
            il.Emit(OpCodes.Ldarg_0);
            il.Emit(OpCodes.Ldfld, field);
            il.Emit(OpCodes.Ret);
            var setter = type.DefineMethod(
                nameof(Invokable.SetCancellationToken), Override, typeof(void), [typeof(CancellationToken)]);
            il = setter.GetILGenerator();
            il.Emit(OpCodes.Ldarg_0);
            il.Emit(OpCodes.Ldarg_1);
            il.Emit(OpCodes.Stfld, field);
            il.Emit(OpCodes.Ret);
        }
    }
}

namespace System.Runtime.CompilerServices
{
    /// <summary>Known to the runtime by name: lets the assembly that carries it use internals of another.</summary>
    [AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
    internal sealed class IgnoresAccessChecksToAttribute(string assemblyName) : Attribute
    {
        public string AssemblyName { get; } = assemblyName;
    }
}
