using System.Text.RegularExpressions;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tests.Support;
using Mono.Cecil;
using Mono.Cecil.Cil;

namespace MlNetFineTune.Tests;

/// <summary>The folders of the library are its layers: each uses only those before it.</summary>
[TestClass]
public sealed partial class LayersTests
{
    private static readonly string[] s_layers =
    [
        "Primitives", "MlNet", "Processes", "Tokenizers", "Weights", "Networks", "Data", "Tasks", "Training", "Scoring", "Transforms",
        "Serving", "Sharding", "Reporting", "Trainers", "Search", "Labeling", "Examination", "Catalog",
    ];

    private static readonly string s_source = Path.Combine(Repository.Root, "src", "MlNetFineTune");

    [TestMethod]
    public void EachLayerKnowsOnlyThoseBeforeIt()
    {
        var layerOf = LayersByType();
        using var library = AssemblyDefinition.ReadAssembly(typeof(Backbone).Assembly.Location);

        var upward = library.MainModule.Types.Where(type => layerOf.ContainsKey(NameOf(type)))
            .SelectMany(type => Known(type).Where(known => known.Scope is ModuleDefinition) // not another library's of the same name
                .Select(known => (From: NameOf(type), To: NameOf(known))).Distinct())
            .Where(edge => layerOf.TryGetValue(edge.To, out var to) && to > layerOf[edge.From])
            .Select(edge => $"{s_layers[layerOf[edge.From]]}/{edge.From} knows {s_layers[layerOf[edge.To]]}/{edge.To}")
            .Order(StringComparer.Ordinal).ToList();

        Assert.IsEmpty(upward, $"{upward.Count} types know a layer above their own:\n{string.Join("\n", upward)}");
    }

    [TestMethod]
    public void EveryFolderIsALayer()
    {
        var folders = Directory.EnumerateDirectories(s_source)
            .Where(folder => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories).Any())
            .Select(folder => Path.GetFileName(folder)).Except(["bin", "obj"]);

        CollectionAssert.AreEquivalent(s_layers, folders.ToList());
    }

    // By the folder of the file that declares it: public types have one namespace, whatever their layer.
    private static Dictionary<string, int> LayersByType()
    {
        var layers = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (layer, folder) in s_layers.Index())
        {
            foreach (var file in Directory.EnumerateFiles(Path.Combine(s_source, folder), "*.cs", SearchOption.AllDirectories))
            {
                foreach (Match declared in Declaration().Matches(File.ReadAllText(file)))
                    layers[declared.Groups[1].Value] = layer;
            }
        }
        return layers;
    }

    private static IEnumerable<TypeReference> Known(TypeDefinition type) =>
    [
        .. Flat(type.BaseType),
        .. type.Interfaces.SelectMany(one => Flat(one.InterfaceType)),
        .. type.CustomAttributes.SelectMany(one => Flat(one.AttributeType)),
        .. type.Fields.SelectMany(field => Flat(field.FieldType)),
        .. type.Methods.SelectMany(Known),
        .. type.NestedTypes.SelectMany(Known),
    ];

    private static IEnumerable<TypeReference> Known(MethodDefinition method) =>
    [
        .. Signature(method),
        .. method.HasBody ? method.Body.Variables.SelectMany(variable => Flat(variable.VariableType)) : [],
        .. method.HasBody ? method.Body.Instructions.SelectMany(Known) : [],
    ];

    private static IEnumerable<TypeReference> Known(Instruction instruction) => instruction.Operand switch
    {
        GenericInstanceMethod method => [.. method.GenericArguments.SelectMany(Flat), .. Signature(method)],
        MethodReference method => Signature(method),
        FieldReference field => [.. Flat(field.DeclaringType), .. Flat(field.FieldType)],
        TypeReference type => Flat(type),
        _ => [],
    };

    private static IEnumerable<TypeReference> Signature(MethodReference method) =>
        [.. Flat(method.DeclaringType), .. Flat(method.ReturnType),
            .. method.Parameters.SelectMany(parameter => Flat(parameter.ParameterType))];

    private static IEnumerable<TypeReference> Flat(TypeReference? type) => type switch
    {
        null => [],
        GenericInstanceType generic => [generic.ElementType, .. generic.GenericArguments.SelectMany(Flat)],
        TypeSpecification specification => Flat(specification.ElementType),
        _ => [type],
    };

    private static string NameOf(TypeReference type) =>
        type.DeclaringType is { } outer ? NameOf(outer) : type.Name.Split('`')[0];

    [GeneratedRegex(@"^(?:public|internal)[\w ]* (?:class|record struct|record|struct|enum|interface|delegate \S+) (\w+)",
        RegexOptions.Multiline)]
    private static partial Regex Declaration();
}
