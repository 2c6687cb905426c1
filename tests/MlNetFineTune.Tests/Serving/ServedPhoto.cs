using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Serving;

/// <summary>A row that can block its reader or throw.</summary>
internal sealed class ServedPhoto(string path, Action? onRead = null)
{
    public string ImagePath
    {
        get
        {
            Interlocked.Increment(ref Reads);
            onRead?.Invoke();
            return path;
        }
    }

    public int Reads;

    /// <summary>A row whose reader waits for the gate.</summary>
    public static ServedPhoto Holding(ManualResetEventSlim gate, ManualResetEventSlim? reached = null) =>
        new(SmallPictures.PathOf("dots", 0), () =>
    {
        reached?.Set();
        Assert.IsTrue(gate.Wait(Patience.Limit), "The gate was never opened.");
    });

    public static ServedPhoto[] Take(int count) =>
        [.. SmallPictures.Take(24).Take(count).Select(photo => new ServedPhoto(photo.ImagePath))];
}

internal sealed class ServedClass
{
    public float[] Score { get; set; } = [];

    public uint PredictedLabel { get; set; }
}
