// Without AFL++ around it: the names of all targets, or the result of a target for files.
using MlNetFineTune.Fuzz;
using SharpFuzz;

switch (args)
{
    case []:
        foreach (var target in Target.All)
            Console.WriteLine(target.Name);
        break;
    case ["seeds", var folder]:
        Seeds.Write(folder);
        break;
    case [var name]:
        var fuzzed = Target.Find(name);
        Fuzzer.OutOfProcess.Run(stream => fuzzed.Check(Bytes.Of(stream)));
        break;
    case [var name, .. var files]:
        foreach (var file in files)
            Console.WriteLine($"{file}: {Result(Target.Find(name), file)}");
        break;
}

static string Result(Target target, string file)
{
    try
    {
        return target.Check(File.ReadAllBytes(file)) is { } refusal ? $"refused: {refusal}" : "accepted";
    }
    catch (Exception e)
    {
        return $"FINDING: {e}";
    }
}
