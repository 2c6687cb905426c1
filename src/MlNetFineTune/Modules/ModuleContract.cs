using System.Reflection;
using System.Text.Json;
using Microsoft.ML.Runtime;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Modules;

/// <summary>A factory as the model file keeps it: by the name of its contract and by its settings.</summary>
/// <param name="Name">Of the contract.</param>
/// <param name="FactoryType">For the error of a program that has not registered it; never loaded by this name.</param>
/// <param name="Settings">Its public properties.</param>
internal sealed record ModuleContract(
    string Name, [property: NotInFingerprint("the contract's name stands for it")] string FactoryType, JsonElement Settings)
{
    /// <exception cref="ArgumentException">The factory could not be made again.</exception>
    public static ModuleContract Of(ModuleFactory factory)
    {
        var type = factory.GetType();
        var attribute = type.GetCustomAttribute<ModuleFactoryAttribute>()
            ?? throw new ArgumentException($"{type.Name} has no contract name, by which a saved model would find it again: write [ModuleFactory(\"{type.Name}\")] above the class.", nameof(factory));
        if (string.IsNullOrWhiteSpace(attribute.ContractName))
            throw new ArgumentException($"The contract name of {type.Name} is empty.", nameof(factory));
        if (type.GetConstructor(Type.EmptyTypes) is null)
            throw new ArgumentException($"{type.Name} has no public constructor without parameters, so that a saved model could not make it again. Give it one, and make its settings properties with init.", nameof(factory));
        try
        {
            var settings = JsonSerializer.SerializeToElement(factory, type);
            var again = JsonSerializer.SerializeToElement(settings.Deserialize(type), type);
            return JsonElement.DeepEquals(settings, again)
                ? new(attribute.ContractName, $"{type.FullName}, {type.Assembly.GetName().Name}", settings)
                : throw new ArgumentException($"The settings of {type.Name} do not come back from JSON: {settings} became {again}. Its public properties need init or set.", nameof(factory));
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            throw new ArgumentException($"The settings of {type.Name} cannot be written as JSON: {e.Message}", nameof(factory), e);
        }
    }

    /// <summary>Makes the factory again.</summary>
    /// <exception cref="InvalidOperationException">Its assembly was not registered.</exception>
    public ModuleFactory Find(IHostEnvironment env)
    {
        ModuleFactory? registered;
        try
        {
            registered = env.ComponentCatalog.GetExtensionValue(env, typeof(ModuleFactoryAttribute), Name) as ModuleFactory;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            var (type, assembly) = FactoryType.Split(", ") is [var t, var a] ? (t, a) : (FactoryType, "its assembly");
            throw new InvalidOperationException(
                $"The model needs the module factory of contract '{Name}', which is not registered. Before loading, call ml.ComponentCatalog.RegisterAssembly(typeof({type.Replace('+', '.')}).Assembly); the class was in {assembly} when the model was trained.", e);
        }
        if (registered is null)
            throw new InvalidOperationException($"What is registered for contract '{Name}' is no {nameof(ModuleFactory)}.");
        try
        {
            return (ModuleFactory)Settings.Deserialize(registered.GetType())!;
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            throw new InvalidOperationException($"The model's settings {Settings} do not fit {registered.GetType().Name} any more: {e.Message}", e);
        }
    }
}
