namespace Orleans.Runtime;

/// <summary>Writes, reads and copies the arguments and the result of one method.</summary>
internal abstract class MethodCodec(MethodDescriptor method, CodecProvider codecs)
{
    private readonly MemberSet<Invokable> _arguments = new(ShapeOf(method), codecs);

    public MethodDescriptor Method { get; } = method;

    public static MethodCodec Make(MethodDescriptor method, CodecProvider codecs) =>
        (MethodCodec)CodecProvider.Make(typeof(MethodCodec<>), [method.ResultType], method, codecs);

    public void WriteArguments(WireWriter writer, Invokable request) => _arguments.Write(writer, ref request);

    public Invokable ReadArguments(WireReader reader)
    {
        var request = Method.NewInvokable();
        _arguments.Read(reader, ref request);
        return request;
    }

    public Invokable CopyArguments(Invokable request)
    {
        var copy = request.ShallowCopy();
        if (!_arguments.IsImmutable)
        {
            _arguments.Copy(ref copy);
        }

        return copy;
    }

    public abstract void WriteResult(WireWriter writer, Response response);
    public abstract Response ReadResult(WireReader reader);
    public abstract Response CopyResult(Response response);

    /// <summary>Arguments are members of the call, numbered by position, so that one may be added at the end.</summary>
    private static List<ShapeMember[]> ShapeOf(MethodDescriptor method) => [
        [.. method.ArgumentFields
            .Select((field, i) => new ShapeMember((uint)i, field.Name, field, method.ImmutableArguments[i]))
            .Where(member => member.Field.FieldType != typeof(CancellationToken))],
    ];
}

/// <inheritdoc/>
internal sealed class MethodCodec<TResult> : MethodCodec
{
    private readonly Codec<TResult>? _result;

    public MethodCodec(MethodDescriptor method, CodecProvider codecs)
        : base(method, codecs) => _result = typeof(TResult) == typeof(VoidResult) ? null : codecs.Get<TResult>();

    public override void WriteResult(WireWriter writer, Response response) =>
        _result?.WriteElement(writer, ValueOf(response));

    public override Response ReadResult(WireReader reader) =>
        _result is null ? Response.Completed : new Response<TResult>(_result.ReadElement(reader));

    public override Response CopyResult(Response response) =>
        _result is null || _result.IsImmutable || Method.ImmutableResult
            ? response
            : new Response<TResult>(_result.CopyElement(ValueOf(response)));

    private static TResult ValueOf(Response response) =>
        response is Response<TResult> typed ? typed.TypedResult : (TResult)response.Result!;
}
