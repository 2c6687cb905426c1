using System.Globalization;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// The step of n machines from a measured step of one: each has the same number of rows, and a ring sums the gradients (Patarasuk and Yuan
/// 2009, https://doi.org/10.1016/j.jpdc.2008.09.002) while the backward pass, two thirds of a step, goes on; the buckets of the lowest
/// stage have nothing to hide behind.
/// </summary>
/// <param name="Step">Seconds of a step of one machine.</param>
/// <param name="Buckets">Bytes of the sums of a step, in their order.</param>
/// <param name="AtEnd">Number of the last sums that begin when the backward pass has ended.</param>
internal sealed record ScalingModel(double Step, IReadOnlyList<double> Buckets, int AtEnd)
{
    private const double BackwardShare = 2.0 / 3;

    private static readonly int[] s_machines = [2, 4, 8, 16, 32, 64];

    // Gbit/s, and seconds for a message to arrive: TCP in a data centre for the first two, RDMA for the third.
    private static readonly (double Gigabits, double Latency)[] s_networks = [(1, 50e-6), (10, 20e-6), (100, 2e-6)];

    /// <summary>Seconds of a step of several machines.</summary>
    public double StepOf(int machines, double gigabits, double latency)
    {
        double[] sums = [.. Buckets.Select(bytes => Ring(machines, bytes, gigabits, latency))];
        return Step + Math.Max(sums.Sum() - BackwardShare * Step, sums[^AtEnd..].Sum());
    }

    public void Print(string network)
    {
        BenchmarkRecorder.Print(new ResultTable(
            [$"efficiency of n machines, {network}", .. s_machines.Select(machines => machines.ToString(CultureInfo.InvariantCulture))],
            [
                .. s_networks.Select(link => (string[])
                [
                    string.Create(CultureInfo.InvariantCulture, $"{link.Gigabits} Gbit/s"),
                    .. s_machines.Select(machines => string.Create(CultureInfo.InvariantCulture,
                        $"{100 * Step / StepOf(machines, link.Gigabits, link.Latency):0} %")),
                ]),
            ]));
    }

    private static double Ring(int machines, double bytes, double gigabits, double latency) =>
        2 * (machines - 1) * (bytes / machines / (gigabits * 1e9 / 8) + latency);
}
