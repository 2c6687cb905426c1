namespace MlNetFineTune.Networks;

/// <summary>A module of the user's, by its factory.</summary>
/// <param name="Contract">The factory and its settings.</param>
internal sealed record ModuleManifest(ModuleContract Contract) : NetworkManifest
{
    public override FineTunedNetwork CreateEmpty(NetworkForm form) => ModuleNetwork.Create(
        Contract.Find(form.Env), Contract.Name, new ModuleContext(form.Inputs, form.Outputs), form.Seed);
}
