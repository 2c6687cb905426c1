using QuickStart;
using SkiaSharp;

namespace PhotoDesk;

/// <summary>Example photos: generated pictures of the quick start that no model was trained on.</summary>
internal static class ExampleEndpoints
{
    private const int Seed = 2; // EmbeddedPictures draws with 1
    private const int Count = 10_000;
    private const int Side = 256;

    public static void MapExamples(this IEndpointRouteBuilder app) =>
        app.MapGet("/api/examples/{index:int}", IResult (int index) => index is >= 0
            and < Count ? TypedResults.File(Draw(index), "image/jpeg") : Problems.NotFound("example"));

    private static byte[] Draw(int index)
    {
        using var picture = SurfaceImages.Draw(Seed, index % SurfaceImages.Kinds.Count, index / SurfaceImages.Kinds.Count, Side);
        using var jpeg = picture.Encode(SKEncodedImageFormat.Jpeg, quality: 90);
        return jpeg.ToArray();
    }
}
