namespace System;

/// <summary>Methods of .NET 9.</summary>
internal static class Conversions
{
    extension(Convert)
    {
        public static string ToHexStringLower(ReadOnlySpan<byte> bytes) => Convert.ToHexString(bytes).ToLowerInvariant();
    }
}
