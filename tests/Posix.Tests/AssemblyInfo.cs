// Each test owns real processes and mounts, and the machine has two cores: one at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
