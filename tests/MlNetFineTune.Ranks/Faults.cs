using System.Runtime.InteropServices;
using MlNetFineTune.Distributed;

namespace MlNetFineTune.Ranks;

/// <summary>What goes wrong in rank 1 while the others go on.</summary>
internal static partial class Faults
{
    private const int Kill = 9, Stop = 19; // Linux

    // Of a wait in vain, once all have started, and of work that lasts longer.
    private static readonly TimeSpan s_short = TimeSpan.FromSeconds(10), s_longer = TimeSpan.FromSeconds(15);

    private static readonly InvalidDataException s_fault = new("The picture of row 7 cannot be read.");

    /// <returns>The exit code of the program.</returns>
    public static int Run(string what, ProcessGroup group)
    {
        for (var step = 1; step <= 3; step++)
        {
            group.Position = $"step {step}";
            Step(group, 5);
        }
        group.Position = "step 4";
        if (what is "stopped" or "hangs" or "leave-late" or "long-work" or "ends-halfway")
            ((MpiGroup)group).Timeout = s_short;
        if (group.Rank == 1)
            return Fail(what, group);
        if (what == "ends-halfway")
            return 0;
        if (what is "leave-late" or "long-work")
        {
            Thread.Sleep(s_longer);
            if (what == "long-work")
                EndLongWork(group);
            Console.WriteLine($"rank {group.Rank} of {group.Size} is done");
            return 0;
        }
        if (what == "throws-between-sums")
            StartSums(group, 4);
        try
        {
            if (what == "failed-work")
                group.AnyAfterLongWork(false);
            while (true)
                Step(group, 5);
        }
        catch (ProcessGroupException e) when (what == "caught")
        {
            Console.WriteLine($"rank {group.Rank} caught: {e.Message}");
            return 0;
        }
    }

    public static void CallAgain(ProcessGroup group, MpiOptions options)
    {
        Collectives.Require(ReferenceEquals(group, ProcessGroup.Mpi()) && ReferenceEquals(group, ProcessGroup.Mpi(options)), "the group");
        try
        {
            ProcessGroup.Mpi(options with { Threads = 3 });
            Collectives.Require(false, "a call with other options");
        }
        catch (InvalidOperationException e)
        {
            Console.WriteLine(e.Message);
        }
    }

    private static void Step(ProcessGroup group, int length) => group.Sum(new double[length]);

    // So long that none is complete before all take part.
    private static void StartSums(ProcessGroup group, int count)
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        var sums = Enumerable.Range(0, count)
            .Select(_ => group.StartSum(TorchSharp.torch.ones([3_000_000], dtype: TorchSharp.torch.ScalarType.Float32))).ToList();
        if (count > 2)
            sums.ForEach(sum => sum.Wait());
    }

    private static int Fail(string what, ProcessGroup group)
    {
        switch (what)
        {
            case "killed":
                _ = Signal(Environment.ProcessId, Kill);
                break;
            case "stopped":
                _ = Signal(Environment.ProcessId, Stop);
                break;
            case "hangs":
                Thread.Sleep(Timeout.Infinite);
                break;
            case "throws":
                group.Abort(s_fault);
                throw s_fault;
            case "caught":
                group.Abort(s_fault);
                return 0;
            case "throws-between-sums":
                StartSums(group, 2);
                group.Abort(s_fault);
                Thread.Sleep(Timeout.Infinite); // as a program that goes on with something else
                break;
            case "in-a-thread":
                new Thread(() => throw new InvalidDataException("A worker has failed.")).Start();
                Thread.Sleep(Timeout.Infinite);
                break;
            case "unhandled":
                throw new InvalidDataException("A program has failed.");
            case "ends-halfway": // it has come to its end, but never finalises MPI
                ((MpiGroup)group).MeetAtEnd();
                Thread.Sleep(Timeout.Infinite);
                break;
            case "long-work":
                EndLongWork(group);
                Console.WriteLine($"rank {group.Rank} of {group.Size} is done");
                return 0;
            case "failed-work":
                group.Abort(s_fault);
                throw s_fault;
            case "leaves" or "leave-late":
                Console.WriteLine($"rank {group.Rank} of {group.Size} is done");
                return 0;
            case "lengths":
                Step(group, 6);
                break;
            case "long-lengths":
                Step(group, 6000);
                break;
            case "another":
                group.Gather([1, 2, 3]);
                break;
            case "threads":
                TwoThreads(group);
                break;
            case "null":
                NullReferenceStaysAnException();
                throw new InvalidDataException("A null reference was caught.");
            default:
                throw new ArgumentException(what);
        }
        return 2;
    }

    private static void EndLongWork(ProcessGroup group) =>
        Collectives.Require(group.AnyAfterLongWork(group.Rank == group.Size - 1), "the answer after long work");

    // The runtime makes it from SIGSEGV, which MPI libraries handle too.
    private static void NullReferenceStaysAnException()
    {
        string? nothing = Environment.GetEnvironmentVariable("MLNETFINETUNE_NO_SUCH_VARIABLE");
        try
        {
            Console.WriteLine(nothing!.Length);
        }
        catch (NullReferenceException)
        {
        }
    }

    private static void TwoThreads(ProcessGroup group)
    {
        using var turn = ((MpiGroup)group).Enter(); // as an operation that is under way in this thread
        Exception? fault = null;
        var other = new Thread(() =>
        {
            try
            {
                Step(group, 5);
            }
            catch (Exception e)
            {
                fault = e;
            }
        });
        other.Start();
        other.Join();
        throw fault ?? new InvalidOperationException("Two threads were allowed.");
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);
}
