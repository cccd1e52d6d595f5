namespace OrleansCache.Routing;

/// <summary>
/// A silo that the cluster still names will not speak with this client: the same attempt fails again until somebody changes something. Ends
/// attempts at once; whoever reads for a caller makes an outcome of it.
/// </summary>
/// <param name="silo">Its name.</param>
/// <param name="reason">Why, and what would help: a sentence of the handshake's.</param>
internal sealed class SiloRefusesException(string silo, string? reason) : IOException($"silo {silo} refuses this client: {reason}");
