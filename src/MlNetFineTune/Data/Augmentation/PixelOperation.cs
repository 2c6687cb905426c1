namespace MlNetFineTune.Data;

/// <summary>Changes resampled pixels.</summary>
internal delegate void PixelFilter(ref PixelCanvas canvas, in PixelOperation operation);

/// <summary>One operation on the resampled pixels of one picture, with its random numbers already drawn.</summary>
/// <param name="Filter">The operation: a static method, to avoid allocations.</param>
/// <param name="Value">Parameter of the operation.</param>
/// <param name="Owner">The augmentation, if the filter needs its settings.</param>
internal readonly record struct PixelOperation(PixelFilter Filter, double Value = 0, Augmentation? Owner = null);
