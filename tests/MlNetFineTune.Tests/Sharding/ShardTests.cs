using MlNetFineTune.Processes;
using MlNetFineTune.Sharding;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Sharding;

[TestClass]
public sealed class ShardTests
{
    [TestMethod]
    [DataRow("0/1", 0, 1)]
    [DataRow("2/8", 2, 8)]
    [DataRow("99999/100000", 99_999, 100_000)]
    public void TheTextOfAShardIsReadBack(string text, int index, int count)
    {
        var shard = Shard.Parse(text);

        Assert.AreEqual(Shard.Of(index, count), shard);
        Assert.AreEqual(text, shard.ToString());
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("8/8")]
    [DataRow("-1/8")]
    [DataRow("+1/8")]
    [DataRow("1 / 8")]
    [DataRow("1/0")]
    [DataRow("1")]
    [DataRow("1/2/3")]
    [DataRow("0/100001")]
    [DataRow("99999999999/8")]
    public void OtherTextsAreErrors(string text)
    {
        var message = Assert.Throws<FormatException>(() => Shard.Parse(text)).Message;

        StringAssert.StartsWith(message, $"'{text}' is not a shard.");
        StringAssert.Contains(message, "from 0 to COUNT - 1");
    }

    [TestMethod]
    public void NumbersOutsideTheirRangeAreErrors()
    {
        Assert.AreEqual("index", Assert.Throws<ArgumentOutOfRangeException>(() => Shard.Of(2, 2)).ParamName);
        Assert.AreEqual("index", Assert.Throws<ArgumentOutOfRangeException>(() => Shard.Of(-1, 2)).ParamName);
        Assert.AreEqual("count", Assert.Throws<ArgumentOutOfRangeException>(() => Shard.Of(0, 0)).ParamName);
        Assert.AreEqual("count", Assert.Throws<ArgumentOutOfRangeException>(() => Shard.Of(0, 100_001)).ParamName);
        Assert.AreEqual("count", Assert.Throws<ArgumentOutOfRangeException>(() => Shard.FromEnvironment(0)).ParamName);
    }

    [TestMethod]
    public void AProcessOfAGroupHasTheShardOfItsRank()
    {
        CollectionAssert.AreEqual(new[] { "0/3", "1/3", "2/3" }, ThreadGroup.Run(3, processes => Shard.Of(processes).ToString()));
        Assert.AreEqual("0/1", Shard.Of(ProcessGroup.Single).ToString());
    }

    [TestMethod]
    [DataRow("JOB_COMPLETION_INDEX=3 SHARD_COUNT=8", null, "3/8")]
    [DataRow("JOB_COMPLETION_INDEX=3", 4, "3/4")]
    [DataRow("SLURM_ARRAY_TASK_ID=12 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=10 SLURM_ARRAY_TASK_MAX=13", null, "2/4")]
    [DataRow("SLURM_ARRAY_TASK_ID=3 SHARD_COUNT=4 SLURM_PROCID=0 SLURM_NTASKS=1", null, "3/4")] // of the batch script itself
    [DataRow("SLURM_ARRAY_TASK_ID=5 SLURM_ARRAY_TASK_COUNT=1 SLURM_ARRAY_TASK_MIN=5 SLURM_ARRAY_TASK_MAX=5 SHARD_COUNT=8", null, "5/8")]
    [DataRow("OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2", null, "1/2")]
    [DataRow("OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2 SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=1", null, "1/2")]
    [DataRow("PMI_RANK=0 PMI_SIZE=3", null, "0/3")]
    [DataRow("SLURM_PROCID=7 SLURM_NTASKS=8 SLURM_STEP_NUM_TASKS=8", 8, "7/8")]
    [DataRow("SLURM_PROCID=1 SLURM_NTASKS=8 SLURM_STEP_NUM_TASKS=2", null, "1/2")] // srun --ntasks=2 in a job of eight tasks
    [DataRow("SLURM_PROCID=0 SLURM_NTASKS=8", null, null)] // a batch script without srun: one process scores everything
    [DataRow("", null, null)]
    [DataRow("", 8, null)]
    [DataRow("JOB_COMPLETION_INDEX=", null, null)]
    [DataRow("SHARD_COUNT=8", null, null)]
    public void SchedulersSayTheShardByEnvironmentVariables(string variables, int? count, string? expected) =>
        Assert.AreEqual(expected, Read(variables, count)?.ToString());

    [TestMethod]
    [DataRow("JOB_COMPLETION_INDEX=3", null, "Set the variable SHARD_COUNT in the manifest to the value of spec.completions.")]
    [DataRow("JOB_COMPLETION_INDEX=8 SHARD_COUNT=8", null, "JOB_COMPLETION_INDEX gives shard 8, and there are 8 shards, numbered from 0.")]
    [DataRow("JOB_COMPLETION_INDEX=one SHARD_COUNT=8", null, "JOB_COMPLETION_INDEX is 'one'. Expected a whole number.")]
    [DataRow("JOB_COMPLETION_INDEX=0 SHARD_COUNT=0", null, "there are 0 shards")]
    [DataRow("SLURM_ARRAY_TASK_ID=4 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=6", null, "not a gapless range")]
    [DataRow("SLURM_ARRAY_TASK_ID=4", null, "set SHARD_COUNT to the number of shards")]
    [DataRow(
        "OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2", 3, "There are 2 processes by OMPI_COMM_WORLD_SIZE, and 3 shards are asked for.")]
    public void ContradictionsOfTheEnvironmentAreErrors(string variables, int? count, string expected) =>
        StringAssert.Contains(Assert.Throws<InvalidOperationException>(() => Read(variables, count)).Message, expected);

    private static Shard? Read(string variables, int? count)
    {
        var values = variables.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('='))
            .ToDictionary(pair => pair[0], pair => pair[1]);
        return ShardEnvironment.Read(name => values.GetValueOrDefault(name), count);
    }
}
