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
        var read = Target.Find(name);
        foreach (var file in files)
            Console.WriteLine($"{file}: {(read.Check(File.ReadAllBytes(file)) is { } refusal ? $"refused: {refusal}" : "accepted")}");
        break;
}
