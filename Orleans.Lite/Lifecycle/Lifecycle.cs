namespace Orleans
{
    /// <summary>Where one joins a start and a stop in stages.</summary>
    public interface ILifecycleObservable
    {
        /// <summary>Joins at a stage; dispose to leave.</summary>
        IDisposable Subscribe(string observerName, int stage, ILifecycleObserver observer);
    }

    /// <summary>What runs at a stage.</summary>
    public interface ILifecycleObserver
    {
        /// <summary>Runs when starting reaches the stage.</summary>
        Task OnStart(CancellationToken cancellationToken = default);
        /// <summary>Runs when stopping reaches the stage.</summary>
        Task OnStop(CancellationToken cancellationToken = default);
    }

    /// <summary>A service that joins a lifecycle; register it as a singleton of this interface.</summary>
    public interface ILifecycleParticipant<in TLifecycleObservable>
        where TLifecycleObservable : ILifecycleObservable
    {
        /// <summary>Subscribes to the stages.</summary>
        void Participate(TLifecycleObservable lifecycle);
    }

    /// <summary>The stages of a silo. Starting runs upward, stopping downward.</summary>
    public static class ServiceLifecycleStage
    {
        /// <summary>The runtime is set up.</summary>
        public const int RuntimeInitialize = 2000;
        /// <summary>Storage of the runtime.</summary>
        public const int RuntimeStorageServices = 6000;
        /// <summary>Services of the application.</summary>
        public const int ApplicationServices = 10000;
        /// <summary>Activations end here when stopping.</summary>
        public const int GrainDeactivation = 19998;
        /// <summary>The silo begins to take calls.</summary>
        public const int BecomeActive = 19999;
        /// <summary>The silo takes calls.</summary>
        public const int Active = 20000;
    }

    /// <summary>Subscriptions with delegates.</summary>
    public static class LifecycleExtensions
    {
        /// <summary>Joins at a stage with a start and a stop.</summary>
        public static IDisposable Subscribe(this ILifecycleObservable observable, string observerName, int stage,
            Func<CancellationToken, Task> onStart, Func<CancellationToken, Task> onStop) =>
            observable.Subscribe(observerName, stage, new Observer(onStart, onStop));

        private sealed class Observer(Func<CancellationToken, Task> onStart, Func<CancellationToken, Task> onStop)
            : ILifecycleObserver
        {
            public Task OnStart(CancellationToken cancellationToken) => onStart(cancellationToken);
            public Task OnStop(CancellationToken cancellationToken) => onStop(cancellationToken);
        }
    }
}

namespace Orleans.Runtime
{
    /// <summary>The silo's start and stop.</summary>
    public interface ISiloLifecycle : ILifecycleObservable;

    /// <summary>Who this silo is.</summary>
    public interface ILocalSiloDetails
    {
        /// <summary>The silo's name.</summary>
        string Name { get; }
        /// <summary>Its address among silos.</summary>
        SiloAddress SiloAddress { get; }
    }
}
