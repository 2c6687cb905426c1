using MlNetFineTune.Data;
using MlNetFineTune.Tasks;
using MlNetFineTune.Training;
using SkiaSharp;

namespace MlNetFineTune.Reporting;

/// <summary>The training pictures of a <see cref="BatchSheet"/> with their labels.</summary>
internal static class BatchSheetSection
{
    // Small pictures are shown without loss; larger ones are scaled down, which bounds the page.
    private const int LosslessSize = 64;

    /// <param name="sheet">Null, or empty, gives no section.</param>
    /// <param name="task">Names the labels.</param>
    /// <param name="rows">The training rows.</param>
    public static Markup Of(BatchSheet? sheet, BoundTask task, LabeledData rows)
    {
        return sheet is not { Pages.Count: > 0 } ? Markup.None : (Markup)$"""
            <section><h2>What the network was trained on</h2>
            <p>Pictures of the first batch of this run as the network received them, with their labels.</p>
            {sheet.Pages.Select(Page)}</section>

            """;

        Markup Page(BatchSheet.Page page)
        {
            var mixed = page.Pictures.Any(picture => picture.Share < 1) ? " Mixed pictures have the labels of both, by share." : "";
            var title = page.IsAugmented ? "Augmented" : "Not augmented";
            var scaled = sheet.Size > LosslessSize ? FormattableString.Invariant($", scaled down from {sheet.Size} pixels") : "";
            return $"""
                <h3>{title}</h3>
                <ul class="cards">{page.Pictures.Select(picture => Card(sheet, picture, task, rows))}</ul>
                <p class="note">{page.Pictures.Count} of {page.Rows} pictures of the batch{scaled}.{mixed}</p>
                """;
        }
    }

    private static Markup Card(BatchSheet sheet, BatchSheet.Picture picture, BoundTask task, LabeledData rows)
    {
        var where = RowName.Of(rows, picture.Row);
        var (own, other) = (task.TextOf(rows.LabelOf(picture.Row)), task.TextOf(rows.LabelOf(picture.Partner)));
        var isMixed = picture.Share < 1 && picture.Partner != picture.Row;
        return $"""
            <li><img src="{Source(picture.Rgb, sheet.Size)}" alt="" width="128" height="128">
            <div class="verdict">
            {Label(own, isMixed ? picture.Share : null)}{(isMixed ? Label(other, 1 - picture.Share) : Markup.None)}
            <span class="where" title="{where}"><bdi>{where}</bdi></span></div></li>

            """;
    }

    private static Markup Label(string text, double? share) =>
        share is { } part ? $"""<span><bdi>{text}</bdi> <b>{part * 100:0} %</b></span>""" : (Markup)$"""<span><bdi>{text}</bdi></span>""";

    private static string Source(byte[] rgb, int size)
    {
        var rgba = new byte[size * size * 4];
        for (var i = 0; i < size * size; i++)
        {
            rgb.AsSpan(i * 3, 3).CopyTo(rgba.AsSpan(i * 4));
            rgba[i * 4 + 3] = byte.MaxValue;
        }
        return size <= LosslessSize ? Lossless(rgba, size) : Thumbnail.Encode(rgba, size);
    }

    private static unsafe string Lossless(byte[] rgba, int size)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(size, size, SKColorType.Rgba8888, SKAlphaType.Opaque));
        rgba.CopyTo(new Span<byte>((void*)bitmap.GetPixels(), bitmap.ByteCount));
        using var encoded = bitmap.Encode(SKEncodedImageFormat.Png, quality: 100);
        return "data:image/png;base64," + Convert.ToBase64String(encoded.AsSpan());
    }
}
