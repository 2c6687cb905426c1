using System.Reflection;
using System.Text.Json;
using Microsoft.ML.Runtime;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Networks;

/// <summary>A factory as the model file keeps it: by the name of its contract and by its settings.</summary>
/// <param name="Name">Name of the contract.</param>
/// <param name="FactoryType">Full name of the factory's class and simple name of its assembly,
/// by which an unregistered factory is found.</param>
/// <param name="Settings">The factory's public properties as JSON.</param>
internal sealed record ModuleContract(
    string Name, [property: NotInFingerprint("the contract's name stands for it")] string FactoryType, JsonElement Settings)
{
    /// <exception cref="ArgumentException">The factory could not be recreated from its settings.</exception>
    public static ModuleContract Of(ModuleFactory factory)
    {
        var type = factory.GetType();
        var attribute = type.GetCustomAttribute<ModuleFactoryAttribute>()
            ?? throw new ArgumentException(
                $"{type.Name} has no contract name, by which a saved model would find it again: "
                + $"write [ModuleFactory(\"{type.Name}\")] above the class.", nameof(factory));
        if (string.IsNullOrWhiteSpace(attribute.ContractName))
            throw new ArgumentException($"The contract name of {type.Name} is empty.", nameof(factory));
        if (type.GetConstructor(Type.EmptyTypes) is null)
            throw new ArgumentException($"{type.Name} has no public constructor without parameters, "
                + "so that a saved model could not make it again. Give it one, and make its settings properties with init.",
                nameof(factory));
        try
        {
            var settings = JsonSerializer.SerializeToElement(factory, type);
            var again = JsonSerializer.SerializeToElement(settings.Deserialize(type), type);
            return JsonElement.DeepEquals(settings, again)
                ? new(attribute.ContractName, $"{type.FullName}, {type.Assembly.GetName().Name}", settings)
                : throw new ArgumentException(
                    $"The settings of {type.Name} do not come back from JSON: {settings} became {again}. "
                    + "Its public properties need init or set.", nameof(factory));
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            throw new ArgumentException($"The settings of {type.Name} cannot be written as JSON: {e.Message}", nameof(factory), e);
        }
    }

    /// <summary>Makes the factory again: the registered one of that contract, or else the one that the application ships.</summary>
    /// <exception cref="InvalidOperationException">No factory with this contract is found.</exception>
    public ModuleFactory Find(IHostEnvironment env)
    {
        var type = Registered(env) ?? ShippedFactory.Find(FactoryType, Name) ?? throw new InvalidOperationException(
            $"The model needs the module factory of contract {SafeText.Quoted(Name)}, which is not registered, "
                + "and no assembly of the application has it. "
            + ShippedFactory.Advice(FactoryType));
        try
        {
            return (ModuleFactory)Settings.Deserialize(type)!;
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            throw new InvalidOperationException(
                $"The model's settings {SafeText.Of(Settings.ToString(), SafeText.SentenceLength)} do not fit {type.Name} any more: "
                + $"{SafeText.Message(e)}", e);
        }
    }

    private Type? Registered(IHostEnvironment env)
    {
        object factory;
        try
        {
            factory = env.ComponentCatalog.GetExtensionValue(env, typeof(ModuleFactoryAttribute), Name);
        }
        catch (InvalidOperationException)
        {
            return null; // the catalog has no other way to ask
        }
        catch (TargetInvocationException e)
        {
            throw new InvalidOperationException(
                $"The constructor of the module factory of contract {SafeText.Quoted(Name)} failed: {e.InnerException?.Message}", e);
        }
        return factory is ModuleFactory
            ? factory.GetType()
            : throw new InvalidOperationException(
                $"What is registered for contract {SafeText.Quoted(Name)} is no {nameof(ModuleFactory)}.");
    }
}
