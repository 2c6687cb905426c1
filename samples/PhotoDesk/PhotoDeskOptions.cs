using System.ComponentModel.DataAnnotations;

namespace PhotoDesk;

/// <summary>
/// Options: in the section PhotoDesk of the configuration, or on the command line as <c>--PhotoDesk:Epochs 10</c>. <c>--data FOLDER</c> is
/// short for <c>--PhotoDesk:DataFolder</c>.
/// </summary>
internal sealed class PhotoDeskOptions
{
    public const string Section = "PhotoDesk";

    /// <summary>Folder of the database, models and checkpoints.</summary>
    [Required]
    public string DataFolder { get; set; } = Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create), "PhotoDesk");

    /// <summary>Number of pictures per class generated at the first start. The initial model was trained with the default number.</summary>
    [Range(10, 150)]
    public int EmbeddedPerClass { get; set; } = 150;

    /// <summary>Largest number of photos in one upload.</summary>
    [Range(1, 1000)]
    public int LargestUpload { get; set; } = 64;

    /// <summary>Largest size of one photo in bytes.</summary>
    [Range(1024, 1 << 28)]
    public int LargestPhotoBytes { get; set; } = 20 << 20;

    /// <summary>Largest size of one upload in bytes.</summary>
    [Range(1024, 1 << 30)]
    public int LargestUploadBytes { get; set; } = 64 << 20;

    /// <summary>Largest number of pixels of one photo; a small file can claim very many.</summary>
    [Range(1, 178_000_000)]
    public int LargestPixels { get; set; } = 50_000_000;

    /// <summary>
    /// Largest total size in bytes of all uploads in memory: being received, waiting and being processed. Further uploads are answered with
    /// 503. At least <see cref="LargestUploadBytes"/>.
    /// </summary>
    [Range(1024, int.MaxValue)]
    public int LargestWaitingBytes { get; set; } = 256 << 20;

    /// <summary>
    /// Minimum data rate of requests and responses in bytes per second, after a grace period of five seconds; slower connections are
    /// aborted (408, or closed).
    /// </summary>
    [Range(1, 1 << 30)]
    public int LeastBytesPerSecond { get; set; } = 1024;

    /// <summary>Timeout for receiving an upload (408).</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "1.00:00:00", ParseLimitsInInvariantCulture = true)]
    public TimeSpan UploadDeadline { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Largest number of concurrent uploads per address; more are answered with 429.</summary>
    [Range(1, 100_000)]
    public int UploadsPerAddress { get; set; } = 64;

    /// <summary>
    /// Number of uploads processed concurrently after they are received; four times as many wait, further ones are answered with 503.
    /// </summary>
    [Range(1, 1000)]
    public int ConcurrentUploads { get; set; } = 8;

    /// <summary>Average rate of requests per second and address, with bursts of up to ten seconds' worth.</summary>
    [Range(1, 1_000_000)]
    public int RequestsPerSecond { get; set; } = 50;

    /// <summary>
    /// Addresses (<c>10.0.0.7</c>) and networks (<c>10.0.0.0/8</c>) of proxies whose header <c>X-Forwarded-For</c> is believed. Default:
    /// none, and the client is whoever connects.
    /// </summary>
    public string[] KnownProxies { get; set; } = [];

    /// <summary>Who may change something. Default: everybody.</summary>
    public SignInOptions SignIn { get; set; } = new();

    /// <summary>Number of the newest models and trainings whose files are never deleted.</summary>
    [Range(1, 1_000_000)]
    public int KeepNewest { get; set; } = 10;

    /// <summary>Time for which the files of models and trainings are never deleted.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "36500.00:00:00", ParseLimitsInInvariantCulture = true)]
    public TimeSpan KeepFor { get; set; } = TimeSpan.FromDays(30);

    /// <summary>Number of labelled photos that a training requires.</summary>
    [Range(1, 1000)]
    public int LeastLabelled { get; set; } = 4;

    /// <summary>Example weight of a corrected photo relative to an embedded one, because there are few of them.</summary>
    [Range(1, 100)]
    public float CorrectionWeight { get; set; } = 4;

    [Range(1, 10_000)]
    public int Epochs { get; set; } = 6;

    [Range(1e-6, 1)]
    public float LearningRate { get; set; } = 1e-3f;

    /// <summary>Interval of checkpoints: the most that a killed training loses.</summary>
    public TimeSpan CheckpointInterval { get; set; } = TimeSpan.FromSeconds(5);
}

/// <summary>Signing in, with a cookie. Without users it is off.</summary>
internal sealed class SignInOptions
{
    /// <summary>Password hashes by name, made by the command <c>hash-password</c>.</summary>
    public Dictionary<string, string> Users { get; set; } = [];

    /// <summary>Whether photos, models and trainings are shown to users alone. Default false: only changes need a user.</summary>
    public bool ProtectReads { get; set; }
}
