using System.Globalization;
using MlNetFineTune.Data;
using static MlNetFineTune.DataExamination;

namespace MlNetFineTune.Examination;

/// <summary>Headers and measurements of all pictures, and the findings about single pictures.</summary>
internal sealed class ExaminedPictures
{
    private readonly ExaminedRows _rows;
    private readonly PictureHeader?[] _headers;
    private readonly PictureMeasures[] _measures;
    private readonly string?[] _reasons; // why a picture cannot be used

    private ExaminedPictures(ExaminedRows rows)
    {
        _rows = rows;
        (_headers, _measures, _reasons) = (new PictureHeader?[rows.Count], new PictureMeasures[rows.Count], new string?[rows.Count]);
    }

    /// <summary>Reads every picture once.</summary>
    public static ExaminedPictures Measure(ExaminedRows rows, ExaminationOptions options, Action<int> advance)
    {
        var pictures = new ExaminedPictures(rows);
        Parallel.For(0, rows.Count,
            new ParallelOptions { MaxDegreeOfParallelism = options.Workers, CancellationToken = options.CancellationToken }, row =>
            {
                var header = rows.Images.HeaderOf(row);
                pictures._headers[row] = header;
                pictures._reasons[row] = PictureMeasures.Take(
                    rows.Images, row, header, out pictures._measures[row], options.CancellationToken);
                advance(1);
            });
        return pictures;
    }

    public ulong HashOf(int row) => _measures[row].Hash;

    /// <summary>Whether a picture is compared with others: it can be read and is not blank. All blank pictures are alike.</summary>
    public bool IsUsable(int row, ExaminationOptions options) => _reasons[row] is null && !IsBlank(row, options);

    public IEnumerable<Finding> Findings(ExaminationOptions options)
    {
        for (var row = 0; row < _reasons.Length; row++)
        {
            if (_reasons[row] is { } reason)
            {
                yield return _rows.Finding(FindingKind.Unreadable, row, float.NaN,
                    $"The picture cannot be used: {reason}. Mend or remove it; BadRows.Skip() trains without it.");
                continue;
            }
            var (contrast, sharpness, _) = _measures[row];
            if (IsBlank(row, options))
            {
                yield return _rows.Finding(FindingKind.Blank, row, contrast, Invariant(
                    $"Nearly all pixels have the same brightness (contrast {contrast:0} of 255): remove it if it shows nothing."));
            }
            else if (sharpness < options.LeastSharpness)
            {
                yield return _rows.Finding(FindingKind.Blurred, row, sharpness, Invariant(
                    $"Even its sharpest part is blurred (sharpness {sharpness:0.00}, limit {options.LeastSharpness:0.00}): keep it only ")
                    + "if such photos will also come in use.");
            }
            if (_headers[row] is not { } header)
                continue;
            var shorter = Math.Min(header.Size.Width, header.Size.Height);
            if (shorter < options.SmallestSide)
            {
                yield return _rows.Finding(FindingKind.Tiny, row, shorter, Invariant(
                    $"It has {header.Size.Width} x {header.Size.Height} pixels: look for the original of a thumbnail."));
            }
            if (header.Orientation > 1)
            {
                yield return _rows.Finding(FindingKind.ExifOrientation, row, header.Orientation, Invariant(
                    $"It is stored with EXIF orientation {header.Orientation}. It is upright here; where other programs read it too, ")
                    + "rotate its pixels and remove the orientation.");
            }
        }
    }

    private bool IsBlank(int row, ExaminationOptions options) => _measures[row].Contrast < options.LeastContrast;

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
