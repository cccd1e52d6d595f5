using Microsoft.Extensions.DependencyInjection;
using Orleans.Runtime;

namespace Orleans;

/// <summary>Identity and references of grains.</summary>
public static class GrainExtensions
{
    /// <summary>The grain's identity.</summary>
    public static GrainId GetGrainId(this IAddressable grain) => grain switch
    {
        GrainReference reference => reference.GrainId,
        IGrainBase activation => activation.GrainContext.GrainId,
        _ =>
            throw new ArgumentException($"{grain.GetType()} is neither a grain nor a reference to one.", nameof(grain)),
    };

    /// <summary>The grain's string key.</summary>
    public static string GetPrimaryKeyString(this IAddressable grain) => grain.GetGrainId().Key.ToString();

    /// <summary>A reference to this grain that may be passed on.</summary>
    public static TGrainInterface AsReference<TGrainInterface>(this IAddressable grain)
        where TGrainInterface : IAddressable => grain switch
        {
            TGrainInterface reference when grain is GrainReference => reference,
            IGrainBase activation => activation.GrainContext.ActivationServices.GetRequiredService<IGrainFactory>()
                .GetGrain<TGrainInterface>(activation.GrainContext.GrainId),
            _ => throw new ArgumentException(
                $"{grain.GetType()} cannot become a reference of {typeof(TGrainInterface)}.", nameof(grain)),
        };
}
