namespace System;

/// <summary>Methods of .NET 9. The casts of .NET 8 are those of the processor, as its native conversions are.</summary>
internal static class Conversions
{
    extension(Convert)
    {
        public static string ToHexStringLower(ReadOnlySpan<byte> bytes) => Convert.ToHexString(bytes).ToLowerInvariant();
    }

    extension(float)
    {
        public static int ConvertToIntegerNative<T>(float value) => (int)value;
    }

    extension(double)
    {
        public static int ConvertToIntegerNative<T>(double value) => (int)value;
    }
}
