using System.Buffers.Binary;
using Microsoft.Data.Sqlite;
using PhotoDesk;
using SkiaSharp;

namespace MlNetFineTune.PhotoDesk.Tests.Server;

/// <summary>Parts of the server by themselves.</summary>
[TestClass]
public sealed class PartsTests
{
    [TestMethod]
    public void APhotosContentDecidesItsSideInTheSharesThatAreSaid()
    {
        var sides = Enumerable.Range(0, 20_000).Select(i => PhotoSides.Of(PhotoSides.HashOf(BitConverter.GetBytes(i))))
            .CountBy(side => side).ToDictionary();
        Assert.AreEqual(0.20, sides[PhotoSide.HeldOut] / 20_000.0, 0.01);
        Assert.AreEqual(0.15, sides[PhotoSide.Validation] / 20_000.0, 0.01);
        // Never to be changed: a photo of an earlier version must stay where it was.
        // SHA-256 of nothing is e3b0c44298fc1c14..., and 0xe3b0c44298fc1c14 mod 100 is 52.
        Assert.AreEqual(PhotoSide.Training, PhotoSides.Of(PhotoSides.HashOf([])));
        Assert.AreEqual(PhotoSide.HeldOut, PhotoSides.Of([0, 0, 0, 0, 0, 0, 0, 19, .. new byte[24]]));
        Assert.AreEqual(PhotoSide.Validation, PhotoSides.Of([0, 0, 0, 0, 0, 0, 0, 20, .. new byte[24]]));
        Assert.AreEqual(PhotoSide.Training, PhotoSides.Of([0, 0, 0, 0, 0, 0, 0, 35, .. new byte[24]]));
    }

    /// <summary>By hand: a has 2 right, 1 that is no a, 1 that was missed (F1 2/3); b has 1 right, 1 missed and 1 that is none (1/2);
    /// c occurs and is never found (0); d does not occur.</summary>
    [TestMethod]
    public void AccuracyAndF1AreThoseByHand()
    {
        var quality = Comparison.QualityOf(["a", "b", "c", "d"], [("a", "a"), ("a", "a"), ("a", "b"), ("b", "b"), ("b", "a"), ("c", "c2")]);
        Assert.AreEqual(3 / 6.0, quality.Accuracy, 1e-12);
        Assert.AreEqual((2 / 3.0 + 1 / 2.0 + 0) / 3, quality.F1, 1e-12);
        Assert.AreEqual(new Quality(0, 0, 0), Comparison.QualityOf(["a"], []));
    }

    [TestMethod]
    public void AMigrationIsWholeOrNotAtAllAndACopyStaysBeside()
    {
        var folder = Directory.CreateTempSubdirectory("photodesk-");
        using var connection = new SqliteConnection($"Data Source={Path.Combine(folder.FullName, "desk.db")};Pooling=false");
        connection.Open();
        Migrations.Apply(connection, ["CREATE TABLE a (x); INSERT INTO a VALUES (1)"]);
        Assert.ThrowsExactly<SqliteException>(
            () => Migrations.Apply(connection,
                ["", "DELETE FROM a; CREATE TABLE b (x)", "INSERT INTO b VALUES (2); INSERT INTO nowhere VALUES (3)"]));

        Assert.AreEqual(2L, connection.Scalar<long>("PRAGMA user_version"), "the second is in, the third is not");
        Assert.AreEqual(0L, connection.Scalar<long>("SELECT count(*) FROM b"));
        using (var copy = new SqliteConnection($"Data Source={Path.Combine(folder.FullName, "desk.version-1.db")};Pooling=false"))
        {
            copy.Open();
            Assert.AreEqual(1L, copy.Scalar<long>("SELECT count(*) FROM a"));
        }
        var newer = Assert.ThrowsExactly<InvalidDataException>(() => Migrations.Apply(connection, [""]));
        StringAssert.Contains(newer.Message, "version 2 and this program knows 1");
        connection.Close();
        folder.Delete(recursive: true);
    }

    /// <summary>A picture with one dark corner, stored in each of the eight ways of EXIF: the thumbnail has
    /// the corner where it belongs.</summary>
    [TestMethod]
    [DataRow(1, false, false)]
    [DataRow(2, true, false)]
    [DataRow(3, true, true)]
    [DataRow(4, false, true)]
    [DataRow(5, false, false)]
    [DataRow(6, true, false)]
    [DataRow(7, true, true)]
    [DataRow(8, false, true)]
    public async Task AThumbnailStandsUpright(int orientation, bool right, bool bottom)
    {
        using var stored = new SKBitmap(64, 32);
        using (var canvas = new SKCanvas(stored))
        {
            canvas.Clear(SKColors.White);
            canvas.DrawRect(0, 0, 16, 16, new SKPaint { Color = SKColors.Black }); // where row 0 and column 0 meet
        }
        using var jpeg = stored.Encode(SKEncodedImageFormat.Jpeg, 95);

        using var thumbnail = SKBitmap.Decode(
            await Thumbnail.OfAsync(WithOrientation(jpeg.ToArray(), orientation), CancellationToken.None));

        Assert.AreEqual(orientation >= 5 ? (32, 64) : (64, 32), (thumbnail.Width, thumbnail.Height));
        foreach (var (x, isRight) in ((int, bool)[])[(3, false), (thumbnail.Width - 4, true)])
        {
            foreach (var (y, isBottom) in ((int, bool)[])[(3, false), (thumbnail.Height - 4, true)])
                Assert.AreEqual(isRight == right && isBottom == bottom, thumbnail.GetPixel(x, y).Red < 128, $"({x}, {y})");
        }
    }

    [TestMethod]
    [DataRow("load --seconds 5", "Say which desk")]
    [DataRow("load --url http://127.0.0.1:1 --seconds 0", "--seconds 0: it must be a whole number from 1 to 600.")]
    [DataRow("load --url http://127.0.0.1:1 --during sleep", "--during sleep: it must be retrain, switch")]
    [DataRow("load --url http://127.0.0.1:1 --threads 5", "There is no option --threads")]
    public void AWrongLoadSaysWhatIsWrong(string line, string message) =>
        StringAssert.StartsWith(Assert.ThrowsExactly<ArgumentException>(() => LoadSettings.Parse(line.Split(' ')[1..])).Message, message);

    // EXIF 2.3: an APP1 segment with one tag, 0x0112.
    private static byte[] WithOrientation(byte[] jpeg, int orientation)
    {
        byte[] exif =
        [
            0xFF, 0xE1, 0, 34, (byte)'E', (byte)'x', (byte)'i', (byte)'f', 0, 0, (byte)'M', (byte)'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12,
            0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0,
        ];
        BinaryPrimitives.WriteUInt16BigEndian(exif.AsSpan(28), (ushort)orientation);
        return [.. jpeg[..2], .. exif, .. jpeg[2..]];
    }
}
