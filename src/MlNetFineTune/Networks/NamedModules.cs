using TorchSharp;

namespace MlNetFineTune.Networks;

/// <summary>A part of a network's tree of names. Computes nothing: the network runs the modules that hang here.</summary>
internal sealed class NamedModules(string name) : torch.nn.Module(name)
{
    /// <summary>Hangs a module here, under a name that need not be one of C#, such as <c>0</c> or <c>block1-0</c>.</summary>
    public T Add<T>(string name, T module)
        where T : torch.nn.Module
    {
        register_module(name, module);
        return module;
    }
}
