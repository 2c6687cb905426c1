using System.Reflection;
using System.Runtime.Loader;

namespace MlNetFineTune.Networks;

/// <summary>
/// Finds a factory that is not registered, as ML.NET finds the transformers of a model file: in the assembly that the file names. A file
/// can select only what the application ships: an assembly that is loaded, is among its dependencies, or is in its folder, and there a
/// class that derives from <see cref="ModuleFactory"/> and carries the contract's name. Nothing else of the assembly is run, and no
/// folder is searched but the application's own.
/// </summary>
internal static class ShippedFactory
{
    /// <param name="factoryType">Full name of the class, a comma, simple name of its assembly.</param>
    /// <param name="contract">Contract name of the factory's <see cref="ModuleFactoryAttribute"/>.</param>
    /// <returns>The factory; null where it is not found.</returns>
    public static Type? Find(string factoryType, string contract)
    {
        var (typeName, assemblyName) = Parse(factoryType);
        return IsPlain(assemblyName)
            ? Assemblies(assemblyName).Select(assembly => Find(assembly, typeName, contract)).FirstOrDefault(type => type is not null)
            : null;
    }

    /// <summary>Advice for the error that the factory is not found.</summary>
    public static string Advice(string factoryType)
    {
        var (type, assembly) = Parse(factoryType);
        return $"When the model was trained it was in {SafeText.Of(assembly)}.dll: "
            + "reference that project or package, or put the file beside the application. If it must be elsewhere, call "
            + $"ml.ComponentCatalog.RegisterAssembly(typeof({SafeText.Of(type.Replace('+', '.'), SafeText.SentenceLength)}).Assembly) "
            + "before loading.";
    }

    private static (string Type, string Assembly) Parse(string factoryType)
    {
        var comma = factoryType.LastIndexOf(", ", StringComparison.Ordinal);
        return comma >= 0 ? (factoryType[..comma], factoryType[(comma + 2)..]) : (factoryType, "");
    }

    // A name, and no path.
    private static bool IsPlain(string name) =>
        name.Length > 0 && name == Path.GetFileName(name) && name.IndexOfAny(Path.GetInvalidFileNameChars()) < 0;

    // In turn, so that nothing is loaded where a loaded assembly has it.
    private static IEnumerable<Assembly> Assemblies(string name)
    {
        foreach (var loaded in AppDomain.CurrentDomain.GetAssemblies())
        {
            if (loaded.GetName().Name == name)
                yield return loaded;
        }
        if (TryLoad(() => Assembly.Load(new AssemblyName { Name = name })) is { } dependency)
            yield return dependency;
        var beside = Path.Combine(AppContext.BaseDirectory, $"{name}.dll");
        if (File.Exists(beside) && TryLoad(() => AssemblyLoadContext.Default.LoadFromAssemblyPath(beside)) is { } neighbor)
            yield return neighbor;
    }

    private static Assembly? TryLoad(Func<Assembly> load)
    {
        try
        {
            return load();
        }
        catch (Exception e) when (e is IOException or BadImageFormatException)
        {
            return null;
        }
    }

    // By its name, or by its contract alone where the class was renamed.
    private static Type? Find(Assembly assembly, string typeName, string contract)
    {
        try
        {
            return assembly.GetType(typeName) is { } named && Fits(named, contract)
                ? named
                : assembly.GetTypes().FirstOrDefault(type => Fits(type, contract));
        }
        catch (Exception e) when (e is IOException or TypeLoadException or ReflectionTypeLoadException or BadImageFormatException)
        {
            return null; // a dependency of it is missing
        }
    }

    private static bool Fits(Type type, string contract) => !type.IsAbstract && typeof(ModuleFactory).IsAssignableFrom(type)
        && type.GetConstructor(Type.EmptyTypes) is not null && type.GetCustomAttribute<ModuleFactoryAttribute>()?.ContractName == contract;
}
