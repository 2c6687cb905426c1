// One process of several, started by the tests under mpirun. Arguments: what it does, and seconds of MpiOptions.Timeout; for a training,
// pretrained weights, folder of pictures, folder of checkpoints, and the file of weights that it writes.
using System.Globalization;
using MlNetFineTune;
using MlNetFineTune.Ranks;

var what = args[0];
var options = new MpiOptions { Timeout = TimeSpan.FromSeconds(double.Parse(args[1], CultureInfo.InvariantCulture)) };
if (what == "comes-late" && Environment.GetEnvironmentVariable("OMPI_COMM_WORLD_RANK") == "1")
    Thread.Sleep(Timeout.Infinite); // the others wait inside MPI_Init_thread
var group = ProcessGroup.Mpi(options);
switch (what)
{
    case "collectives":
        Collectives.Run(group);
        break;
    case "large":
        Collectives.RunLarge(group);
        break;
    case "placement":
        Console.WriteLine($"rank {group.Rank} is {group.LocalRank} of its machine and has {TorchSharp.torch.get_num_threads()} threads");
        break;
    case "train":
        Training.Run(group, args[2], args[3], args[4], args[5]);
        break;
    case "once":
        Faults.CallAgain(group, options);
        break;
    default:
        return Faults.Run(what, group);
}
Console.WriteLine($"rank {group.Rank} of {group.Size} is done");
return 0;
