using System.Diagnostics;
using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Benchmarks;

/// <summary>Random vectors: the time of an exact search does not depend on their values.</summary>
internal sealed class SearchIndex : Benchmark
{
    private const int Dimension = 512;
    private const int Matches = 10;

    public override string Name => "search";

    public override string Question =>
        "The 10 most similar of 1,000,000 vectors of 512 numbers: ImageIndex against mv (matrix times vector) and topk in libtorch.";

    public override double Run(bool quick)
    {
        var rows = quick ? 20_000 : 1_000_000;
        using var scope = NewDisposeScope();
        using var generator = new torch.Generator(1);
        var matrix = nn.functional.normalize(randn([rows, Dimension], generator: generator)); // [rows, 512]
        var query = randn([Dimension], generator: generator); // [512]
        var queryValues = query.data<float>().ToArray();

        var before = GC.GetTotalMemory(forceFullCollection: true);
        var watch = Stopwatch.StartNew();
        var index = new ImageIndex(Dimension);
        using (var accessor = matrix.data<float>())
        {
            var row = new float[Dimension];
            for (var i = 0L; i < rows; i++)
            {
                accessor.CopyTo(row, 0, i * Dimension);
                index.Add($"{i:0000000}", row);
            }
        }
        var added = watch.Elapsed.TotalSeconds;
        var bytes = (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)rows;
        Tell($"{rows} rows added in {added:0.0} s, {bytes:0} bytes a row");
        TimeFile(index, watch);

        var timing = new PairedTiming().Add("ImageIndex.Search", () =>
        {
            index.Search(queryValues, Matches);
            return 1;
        }).Add("libtorch, mv and topk", () =>
        {
            using var inner = NewDisposeScope();
            _ = matrix.mv(query / query.norm()).topk(Matches).values.data<float>().ToArray();
            return 1;
        });
        timing.Run(quick ? 3 : 21, quick).Print("ImageIndex.Search");
        return timing.Ratio("ImageIndex.Search", "libtorch, mv and topk");
    }

    private static void TimeFile(ImageIndex index, Stopwatch watch)
    {
        var path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.index");
        try
        {
            watch.Restart();
            index.Save(path);
            var saved = watch.Elapsed.TotalSeconds;
            watch.Restart();
            _ = ImageIndex.Load(path);
            var loaded = watch.Elapsed.TotalSeconds;
            Tell($"saved in {saved:0.0} s, loaded and checked in {loaded:0.0} s, {new FileInfo(path).Length / 1e6:0} MB");
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static void Tell(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
