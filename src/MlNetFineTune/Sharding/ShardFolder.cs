using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Sharding;

/// <summary>
/// The folder of a scoring: the plan in <c>scoring.json</c>, a folder <c>shard-2-of-8</c> for each shard with a file for each block, and
/// <c>complete.json</c> in it once all its rows are scored. Every file is written under another name and renamed. Each belongs to the plan
/// whose hash it names.
/// </summary>
internal sealed class ShardFolder
{
    public const string Extension = ".idv";

    private const string PlanName = "scoring.json", CompleteName = "complete.json", Temporary = ".tmp";

    private const int MostNames = 5;

    // As in the folders of caches: no file takes that long to write.
    private static readonly TimeSpan s_abandoned = TimeSpan.FromDays(1);

    private static readonly JsonSerializerOptions s_json = new()
    {
        WriteIndented = true,
        AllowDuplicateProperties = false,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    private ShardFolder(string root, ScoringPlan plan, ContentHash identity) =>
        (Root, Plan, Identity) = (root, plan, identity.ToString());

    public string Root { get; }

    public ScoringPlan Plan { get; }

    /// <summary>Hash of the plan, by which files of this scoring are known.</summary>
    public string Identity { get; }

    /// <summary>Opens the folder of a scoring, or begins one.</summary>
    /// <param name="path">The folder; created if it does not exist.</param>
    /// <param name="plan">The plan of this process.</param>
    /// <exception cref="InvalidOperationException">The folder has another scoring.</exception>
    /// <exception cref="InvalidDataException">The plan in the folder is damaged.</exception>
    public static ShardFolder OpenOrCreate(string path, ScoringPlan plan)
    {
        Directory.CreateDirectory(path);
        AtomicFile.TryWriteNew(Path.Combine(path, PlanName), stream => JsonSerializer.Serialize(stream, plan, s_json));
        var folder = Open(path);
        return folder.Plan.DifferenceFrom(plan) is not { } difference ? folder : throw new InvalidOperationException(
            $"Folder '{path}' has the scores of another run: {difference}. Score with the same model, data, options and number of shards, "
            + "or choose another folder.");
    }

    /// <summary>Opens the folder of a scoring.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">The folder has no scoring.</exception>
    /// <exception cref="InvalidDataException">The plan in the folder is damaged.</exception>
    public static ShardFolder Open(string path)
    {
        var file = Path.Combine(path, PlanName);
        if (!Directory.Exists(path))
            throw new DirectoryNotFoundException($"There is no folder '{path}' of scores. ml.Model.TransformSharded makes one.");
        if (!File.Exists(file))
        {
            throw new FileNotFoundException(
                $"Folder '{path}' has no scores: it has no {PlanName}. ml.Model.TransformSharded writes it.", file);
        }
        var bytes = File.ReadAllBytes(file);
        return new ShardFolder(path, Parse<ScoringPlan>(file, bytes, plan => plan.Verify()), ContentHash.Of(bytes));
    }

    public IEnumerable<Shard> Shards => Enumerable.Range(0, Plan.Shards).Select(index => Shard.Of(index, Plan.Shards));

    /// <summary>
    /// Verifies that the folder still has this scoring: where several processes begin one at the same instant, the file system may let a
    /// later one replace the plan of the first (see <see cref="AtomicFile.TryWriteNew"/>), and a person may clear the folder.
    /// </summary>
    /// <exception cref="InvalidOperationException">The plan is gone or another.</exception>
    public void VerifyPlan()
    {
        var file = Path.Combine(Root, PlanName);
        var found = File.Exists(file) ? ContentHash.Of(File.ReadAllBytes(file)).ToString() : null;
        if (found != Identity)
        {
            throw new InvalidOperationException(
                $"'{file}' {(found is null ? "was deleted" : "was replaced")} while this process scored by it: another process has begun a "
                + "scoring in the same folder, or the folder was cleared. Run this shard again.");
        }
    }

    /// <summary>The shard that scores a block.</summary>
    public Shard OwnerOf(long block) => Shard.Of((int)(block % Plan.Shards), Plan.Shards);

    /// <summary>Name of the file of a block, below the folder.</summary>
    public string NameOf(long block) => Path.Combine(
        NameOf(OwnerOf(block)), block.ToString("D8", CultureInfo.InvariantCulture) + Extension);

    /// <summary>Name of the folder of a shard.</summary>
    public static string NameOf(Shard shard) => FormattableString.Invariant($"shard-{shard.Index}-of-{shard.Count}");

    public string PathOf(long block) => Path.Combine(Root, NameOf(block));

    /// <summary>Creates the folder of a shard and deletes what killed processes have left in it.</summary>
    public void Prepare(Shard shard)
    {
        var folder = Directory.CreateDirectory(Path.Combine(Root, NameOf(shard)));
        foreach (var left in folder.EnumerateFiles("*" + Temporary).Where(file => DateTime.UtcNow - file.LastWriteTimeUtc > s_abandoned))
            left.Delete();
    }

    /// <summary>Numbers of the blocks of a shard that have a file, in ascending order.</summary>
    /// <exception cref="InvalidDataException">A file is not of this scoring.</exception>
    public IReadOnlyList<long> BlocksOf(Shard shard)
    {
        var folder = new DirectoryInfo(Path.Combine(Root, NameOf(shard)));
        if (!folder.Exists)
            return [];
        var blocks = new List<long>();
        foreach (var file in folder.EnumerateFiles("*" + Extension))
        {
            var isBlock = long.TryParse(Path.GetFileNameWithoutExtension(file.Name), NumberStyles.None,
                CultureInfo.InvariantCulture, out var block);
            if (!isBlock || block % Plan.Shards != shard.Index || Path.GetFileName(NameOf(block)) != file.Name)
                throw Foreign([Path.Combine(NameOf(shard), file.Name)]);
            blocks.Add(block);
        }
        blocks.Sort();
        return blocks;
    }

    /// <summary>What a shard knew when all its rows were scored; null if it is not complete.</summary>
    /// <exception cref="InvalidDataException">The file is damaged or of another scoring.</exception>
    public CompleteShard? CompleteOf(Shard shard)
    {
        var file = Path.Combine(Root, NameOf(shard), CompleteName);
        return !File.Exists(file) ? null
            : Parse<CompleteShard>(file, File.ReadAllBytes(file), complete => complete.Scoring != Identity
                ? throw new InvalidDataException("it is of another scoring")
                : complete.DataRows >= 0 ? complete : throw new InvalidDataException("its number of rows is below 0"));
    }

    public void Complete(Shard shard, CompleteShard complete) => AtomicFile.Write(
        Path.Combine(Root, NameOf(shard), CompleteName), stream => JsonSerializer.Serialize(stream, complete, s_json));

    /// <summary>Verifies that each block of the data has a file and that there are no others.</summary>
    /// <param name="blocks">Number of blocks of the data.</param>
    /// <exception cref="InvalidDataException">A file is missing, or of another scoring.</exception>
    public void VerifyNames(long blocks)
    {
        var known = Shards.Select(NameOf).ToHashSet(StringComparer.Ordinal);
        var present = Shards.SelectMany(BlocksOf).ToHashSet();
        var foreign = Directory.EnumerateDirectories(Root, "shard-*").Select(folder => Path.GetFileName(folder))
            .Where(name => !known.Contains(name)).Concat(present.Where(block => block >= blocks).Select(NameOf))
            .Order(StringComparer.Ordinal).ToList();
        if (foreign.Count > 0)
            throw Foreign(foreign);
        if (present.Count == blocks)
            return;
        var lost = new List<string>();
        for (var block = 0L; block < blocks && lost.Count < MostNames; block++)
        {
            if (!present.Contains(block))
                lost.Add(NameOf(block));
        }
        throw new InvalidDataException(
            $"{blocks - present.Count} of {blocks} files of '{Root}' are missing, such as {SafeText.Several(lost)}. Run their shards "
            + "again: they score what is missing.");
    }

    private InvalidDataException Foreign(List<string> names) => new(
        $"Folder '{Root}' has files that are not of its scoring by {Plan.Shards} shards: {SafeText.Several(names)}. Delete them, or choose "
        + "another folder.");

    private static T Parse<T>(string file, byte[] bytes, Func<T, T> verify)
    {
        try
        {
            return verify(JsonSerializer.Deserialize<T>(bytes, s_json) ?? throw new InvalidDataException("it is empty"));
        }
        catch (Exception e) when (e is JsonException or InvalidDataException or FormatException)
        {
            throw new InvalidDataException(
                $"'{file}' cannot be used: {SafeText.Message(e).TrimEnd('.')}. Delete it and score again; complete blocks of the same "
                + "scoring are kept.", e);
        }
    }
}
