namespace MlNetFineTune.Documents;

/// <summary>Code of docs/reliability.md.</summary>
internal static class ReliabilityPage
{
    public static void Skip()
    {
        AppContext.SetSwitch("MlNetFineTune.SkipArithmeticCheck", true); // or in runtimeconfig.template.json
    }
}
