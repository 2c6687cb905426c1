using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tests.MlNet;

/// <summary>The library calls members that ML.NET keeps internal. The compiler saw copies in which they are public; here the real assemblies are asked.</summary>
[TestClass]
public sealed class InternalsTests
{
    private static readonly Assembly Library = typeof(TorchRuntime).Assembly;

    [TestMethod]
    public void EveryMemberOfMlNetThatTheLibraryUsesIsWhereItWas()
    {
        var moved = new List<string>();
        foreach (var (name, token) in References())
        {
            try
            {
                Library.ManifestModule.ResolveMember(token);
            }
            catch (Exception e) when (e is MissingMemberException or TypeLoadException)
            {
                moved.Add($"{name}: {e.Message}");
            }
        }

        if (moved.Count > 0)
            Assert.Fail($"ML.NET has moved what the library uses:\n{string.Join("\n", moved)}");
    }

    [TestMethod]
    public void TheInternalMembersInUseAreTheKnownOnes()
    {
        var used = References().Select(reference => (reference.Name, Member: Library.ManifestModule.ResolveMember(reference.Token)!))
            .Where(reference => !IsPublic(reference.Member)).Select(reference => reference.Name).Distinct().Order(StringComparer.Ordinal).ToArray();

        Assert.AreEqual(string.Join("\n", Known), string.Join("\n", used));
    }

    private static readonly string[] Known =
    [
    ];

    private static IEnumerable<(string Name, int Token)> References()
    {
        using var file = new PEReader(File.OpenRead(Library.Location));
        var metadata = file.GetMetadataReader();
        foreach (var handle in metadata.MemberReferences)
        {
            var member = metadata.GetMemberReference(handle);
            if (member.Parent.Kind == HandleKind.TypeReference && FullName(metadata, (TypeReferenceHandle)member.Parent) is { } type)
                yield return ($"{type}.{metadata.GetString(member.Name)}", MetadataTokens.GetToken(handle));
        }
        foreach (var handle in metadata.TypeReferences)
        {
            if (FullName(metadata, handle) is { } type)
                yield return (type, MetadataTokens.GetToken(handle));
        }
    }

    /// <summary>Null where the type is not of the two assemblies whose internals are used.</summary>
    private static string? FullName(MetadataReader metadata, TypeReferenceHandle handle)
    {
        var type = metadata.GetTypeReference(handle);
        var name = metadata.GetString(type.Name);
        return type.ResolutionScope.Kind switch
        {
            HandleKind.TypeReference => FullName(metadata, (TypeReferenceHandle)type.ResolutionScope) is { } outer ? $"{outer}.{name}" : null,
            HandleKind.AssemblyReference when metadata.GetString(metadata.GetAssemblyReference((AssemblyReferenceHandle)type.ResolutionScope).Name) is "Microsoft.ML.Core" or "Microsoft.ML.Data" =>
                $"{metadata.GetString(type.Namespace)}.{name}",
            _ => null,
        };
    }

    private static bool IsPublic(MemberInfo member) => member switch
    {
        Type type => type.IsVisible,
        MethodBase method => method.IsPublic && method.DeclaringType!.IsVisible,
        FieldInfo field => field.IsPublic && field.DeclaringType!.IsVisible,
        _ => throw new InvalidOperationException($"{member} is of an unexpected kind."),
    };
}
