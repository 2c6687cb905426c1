namespace System.Runtime.Intrinsics;

/// <summary>Methods of .NET 9. The conversions of .NET 8 are those of the processor.</summary>
internal static class Vectors
{
    extension(Vector128)
    {
        public static Vector128<int> ConvertToInt32Native(Vector128<float> vector) => Vector128.ConvertToInt32(vector);

        public static Vector128<T> Clamp<T>(Vector128<T> value, Vector128<T> min, Vector128<T> max) =>
            Vector128.Min(Vector128.Max(value, min), max);
    }

    extension(Vector256)
    {
        public static Vector256<T> Clamp<T>(Vector256<T> value, Vector256<T> min, Vector256<T> max) =>
            Vector256.Min(Vector256.Max(value, min), max);
    }

    extension(Vector256<uint>)
    {
        public static Vector256<uint> Indices => Vector256.Create(0u, 1, 2, 3, 4, 5, 6, 7);
    }
}
