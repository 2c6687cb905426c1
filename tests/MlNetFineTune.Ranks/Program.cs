// One process of several, started by the tests under mpirun. Arguments: what it does, and seconds of MpiOptions.Timeout; for a training,
// pretrained weights, folder of pictures, folder of checkpoints, and the file of weights that it writes; then, where it is to be
// interrupted, seconds of the waits in the training, a number of batches, and a file: after that batch process 0 waits for the file.
using System.Diagnostics;
using System.Globalization;
using MlNetFineTune;
using MlNetFineTune.Distributed;
using MlNetFineTune.Ranks;

var what = args[0];
var options = new MpiOptions { Timeout = TimeSpan.FromSeconds(double.Parse(args[1], CultureInfo.InvariantCulture)) };
if (what == "comes-late" && Environment.GetEnvironmentVariable("OMPI_COMM_WORLD_RANK") == "1")
    Thread.Sleep(Timeout.Infinite); // the others wait inside MPI_Init_thread
// Tensors in the host's memory pass for those of a GPU: a library of the tests stands in for NCCL. "rank": but for that of process 1.
if (Environment.GetEnvironmentVariable("MLNETFINETUNE_TEST_NCCL") is { } nccl)
{
    NcclCommunicator.DeviceOf =
        _ => nccl == "rank" && Environment.GetEnvironmentVariable("OMPI_COMM_WORLD_RANK") == "1" ? null : 0;
}
var group = ProcessGroup.Mpi(options);
switch (what)
{
    case "collectives":
        Collectives.Run(group);
        break;
    case "heap-pages":
        HeapPagesProgram.Run();
        break;
    case "large":
        Collectives.RunLarge(group);
        break;
    case "placement":
        var training = new ImageFineTuningOptions { Backbone = Backbone.Micro.FromScratch(), Processes = group };
        Console.WriteLine(
            $"rank {group.Rank} is {group.LocalRank} of its machine and has {TorchSharp.torch.get_num_threads()} threads "
            + $"and {training.Workers} workers");
        break;
    case "parent":
        // The same command again, from inside the group.
        string[] command = [.. File.ReadAllText("/proc/self/cmdline").TrimEnd('\0').Split('\0').Select(one => one == what ? "once" : one)];
        using (var child = Process.Start(new ProcessStartInfo(command[0], command[1..])))
        {
            child!.WaitForExit();
            Console.WriteLine($"the child of rank {group.Rank} ended with {child.ExitCode}");
        }
        break;
    case "train":
        (int Batches, string File)? pause = null;
        if (args.Length >= 9)
        {
            if (group is MpiGroup several)
                several.Timeout = TimeSpan.FromSeconds(double.Parse(args[6], CultureInfo.InvariantCulture));
            pause = (int.Parse(args[7], CultureInfo.InvariantCulture), args[8]);
        }
        Training.Run(group, args[2], args[3], args[4], args[5], pause);
        break;
    case "once":
        Faults.CallAgain(group, options);
        break;
    default:
        return Faults.Run(what, group);
}
Console.WriteLine($"rank {group.Rank} of {group.Size} is done");
return 0;
