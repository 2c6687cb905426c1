using MlNetFineTune.Data;
using MlNetFineTune.Networks;






namespace MlNetFineTune.Scoring;

/// <summary>A network that several scorers use, and what turns rows into its input. It is freed with the last of them.</summary>
internal sealed class SharedNetwork(TrainableNetwork network)
{
    private int _users;

    public TrainableNetwork Network { get; } = network;

    public Intake Intake { get; } = network.CreateIntake();

    /// <summary>One user more, who has not been one before, while another is.</summary>
    public void Join() => Interlocked.Increment(ref _users);

    /// <summary>One user less.</summary>
    public void Leave()
    {
        if (Interlocked.Decrement(ref _users) > 0)
            return;
        Intake.Dispose();
        Network.Dispose();
    }
}
