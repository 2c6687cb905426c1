using System.ComponentModel.DataAnnotations;

namespace PhotoDesk;

/// <summary>What can be set: in configuration's section PhotoDesk, on the command line as <c>--PhotoDesk:Epochs 10</c>.
/// <c>--data FOLDER</c> is short for <c>--PhotoDesk:DataFolder</c>.</summary>
internal sealed class PhotoDeskOptions
{
    public const string Section = "PhotoDesk";

    /// <summary>Where everything lies: the database, models, checkpoints.</summary>
    [Required]
    public string DataFolder { get; set; } = Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create), "PhotoDesk");

    /// <summary>Pictures of each class that are drawn at the first start. The first model has learned from as many.</summary>
    [Range(10, 150)]
    public int EmbeddedPerClass { get; set; } = 150;

    /// <summary>Photos in one upload.</summary>
    [Range(1, 1000)]
    public int LargestUpload { get; set; } = 64;

    /// <summary>Bytes of one photo.</summary>
    [Range(1024, 1 << 28)]
    public int LargestPhotoBytes { get; set; } = 20 << 20;

    /// <summary>Bytes of one upload.</summary>
    [Range(1024, 1 << 30)]
    public int LargestUploadBytes { get; set; } = 64 << 20;

    /// <summary>Pixels of one photo: a small file can claim very many.</summary>
    [Range(1, 178_000_000)]
    public int LargestPixels { get; set; } = 50_000_000;

    /// <summary>
    /// Bytes of all uploads together that are in memory: those that are being received, those that wait for their turn, and those that are
    /// worked
    /// on. An upload that would need more is answered 503. No less than <see cref="LargestUploadBytes"/>.
    /// </summary>
    [Range(1024, int.MaxValue)]
    public int LargestWaitingBytes { get; set; } = 256 << 20;

    /// <summary>An upload, or the reader of an answer, that is slower than this after five seconds is given up (408, or the connection
    /// ends).</summary>
    [Range(1, 1 << 30)]
    public int LeastBytesPerSecond { get; set; } = 1024;

    /// <summary>An upload that is not here whole after this time is given up (408).</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "1.00:00:00", ParseLimitsInInvariantCulture = true)]
    public TimeSpan UploadDeadline { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Uploads that one address may have open at the same time, however slowly they come; more is answered 429.</summary>
    [Range(1, 100_000)]
    public int UploadsPerAddress { get; set; } = 64;

    /// <summary>Uploads that are worked on at the same time, once they are here whole; four times as many wait, the rest is answered
    /// 503.</summary>
    [Range(1, 1000)]
    public int ConcurrentUploads { get; set; } = 8;

    /// <summary>Requests that one address may make in a second on average. It may save up ten seconds' worth.</summary>
    [Range(1, 1_000_000)]
    public int RequestsPerSecond { get; set; } = 50;

    /// <summary>Labelled photos that a training needs.</summary>
    [Range(1, 1000)]
    public int LeastLabelled { get; set; } = 4;

    /// <summary>How much more a corrected photo counts than an embedded one: there are few of them.</summary>
    [Range(1, 100)]
    public float CorrectionWeight { get; set; } = 4;

    [Range(1, 10_000)]
    public int Epochs { get; set; } = 6;

    [Range(1e-6, 1)]
    public float LearningRate { get; set; } = 1e-3f;

    /// <summary>A training that is killed loses at most so much.</summary>
    public TimeSpan CheckpointInterval { get; set; } = TimeSpan.FromSeconds(5);
}
