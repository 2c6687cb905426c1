namespace MlNetFineTune.Data;

/// <summary>Changes finished pixels.</summary>
internal delegate void PixelFilter(ref PixelCanvas canvas, in PixelOperation operation);

/// <summary>One operation on the finished pixels of one picture, with its random numbers already drawn.</summary>
/// <param name="Filter">What is done: a static method, so that nothing is allocated for a picture.</param>
/// <param name="Value">How much.</param>
/// <param name="Owner">The augmentation it belongs to, where the filter needs more of it.</param>
internal readonly record struct PixelOperation(PixelFilter Filter, double Value = 0, Augmentation? Owner = null);
