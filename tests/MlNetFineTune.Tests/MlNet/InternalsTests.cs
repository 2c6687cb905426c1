using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tests.MlNet;

/// <summary>The library calls members that ML.NET keeps internal. The compiler saw copies in which they are public;
/// here the real assemblies are asked.</summary>
[TestClass]
public sealed class InternalsTests
{
    public static IEnumerable<object[]> Libraries =>
        [[typeof(TorchRuntime).Assembly, s_known], [typeof(Microsoft.ML.FineTuningOnnxExtensions).Assembly, s_knownToOnnx]];

    // Reached by its name alone (ModelEntries), so that no reference shows it.
    [TestMethod]
    public void TheZipBehindAModelIsWhereItWas() => Assert.AreEqual(
        typeof(System.IO.Compression.ZipArchive),
        typeof(Microsoft.ML.Runtime.IHostEnvironment).Assembly.GetType("Microsoft.ML.RepositoryReader", throwOnError: true)!.GetField(
            "_archive", BindingFlags.Instance | BindingFlags.NonPublic)?.FieldType);

    // As well (DataViews).
    [TestMethod]
    public void TheSourceOfACacheIsWhereItWas() => Assert.AreEqual(
        typeof(Microsoft.ML.IDataView),
        typeof(Microsoft.ML.DataOperationsCatalog).Assembly.GetType("Microsoft.ML.Data.CacheDataView", throwOnError: true)!.GetField(
            "_subsetInput", BindingFlags.Instance | BindingFlags.NonPublic)?.FieldType);

    [TestMethod]
    [DynamicData(nameof(Libraries))]
    public void EveryMemberOfMlNetThatTheLibraryUsesIsWhereItWas(Assembly library, string[] known)
    {
        Assert.IsNotEmpty(known);
        var moved = new List<string>();
        foreach (var (name, token) in References(library))
        {
            try
            {
                library.ManifestModule.ResolveMember(token);
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
    [DynamicData(nameof(Libraries))]
    public void TheInternalMembersInUseAreTheKnownOnes(Assembly library, string[] known)
    {
        var used = References(library).Select(reference => (reference.Name, Member: library.ManifestModule.ResolveMember(reference.Token)!))
            .Where(reference => !IsPublic(reference.Member)).Select(reference => reference.Name).Distinct()
            .Order(StringComparer.Ordinal).ToArray();

        var changes = known.Except(used).Select(name => $"- {name}").Concat(used.Except(known).Select(name => $"+ {name}")).ToArray();
        if (changes.Length > 0)
            Assert.Fail(
                $"The library uses other internals of ML.NET than it did:\n{string.Join("\n", changes)}\nEach is a risk with every version "
                + "of ML.NET. If that is meant, change the list here.");
    }

    private static readonly string[] s_known =
    [
        "Microsoft.ML.Data.AnnotationBuilderExtensions",
        "Microsoft.ML.Data.AnnotationBuilderExtensions.AddSlotNames",
        "Microsoft.ML.Data.AnnotationUtils",
        "Microsoft.ML.Data.AnnotationUtils.GetMaxAnnotationKind",
        "Microsoft.ML.Data.AnnotationUtils.GetTrainerOutputAnnotation",
        "Microsoft.ML.Data.AnnotationUtils.get_ScoreColumnSetIdType",
        "Microsoft.ML.Data.AppendRowsDataView",
        "Microsoft.ML.Data.AppendRowsDataView.Create",
        "Microsoft.ML.Data.BinaryClassifierEvaluator",
        "Microsoft.ML.Data.BinaryClassifierEvaluator..ctor",
        "Microsoft.ML.Data.BinaryClassifierEvaluator.Arguments",
        "Microsoft.ML.Data.BinaryClassifierEvaluator.Arguments..ctor",
        "Microsoft.ML.Data.BinaryClassifierEvaluator.Arguments.Threshold",
        "Microsoft.ML.Data.BinaryClassifierEvaluator.Evaluate",
        "Microsoft.ML.Data.CacheDataView",
        "Microsoft.ML.Data.CatalogUtils",
        "Microsoft.ML.Data.CatalogUtils.GetEnvironment",
        "Microsoft.ML.Data.EmptyDataView",
        "Microsoft.ML.Data.EmptyDataView..ctor",
        "Microsoft.ML.Data.IDataTransform",
        "Microsoft.ML.Data.IDataTransform.get_Source",
        "Microsoft.ML.Data.IInternalCatalog",
        "Microsoft.ML.Data.IInternalCatalog.get_Environment",
        "Microsoft.ML.Data.IO.BinaryLoader",
        "Microsoft.ML.Data.IO.BinaryLoader..ctor",
        "Microsoft.ML.Data.IO.BinaryLoader.Arguments",
        "Microsoft.ML.Data.IO.BinaryLoader.Arguments..ctor",
        "Microsoft.ML.Data.IO.BinaryLoader.Dispose",
        "Microsoft.ML.Data.IO.BinaryLoader.GetRowCount",
        "Microsoft.ML.Data.IO.BinaryLoader.GetRowCursor",
        "Microsoft.ML.Data.IO.BinaryLoader.get_Schema",
        "Microsoft.ML.Data.IO.BinarySaver",
        "Microsoft.ML.Data.IO.BinarySaver..ctor",
        "Microsoft.ML.Data.IO.BinarySaver.Arguments",
        "Microsoft.ML.Data.IO.BinarySaver.Arguments..ctor",
        "Microsoft.ML.Data.IO.BinarySaver.Arguments.Compression",
        "Microsoft.ML.Data.IO.BinarySaver.Arguments.MaxBytesPerBlock",
        "Microsoft.ML.Data.IO.BinarySaver.Arguments.MaxRowsPerBlock",
        "Microsoft.ML.Data.IO.BinarySaver.Arguments.Silent",
        "Microsoft.ML.Data.IO.BinarySaver.IsColumnSavable",
        "Microsoft.ML.Data.IO.BinarySaver.SaveData",
        "Microsoft.ML.Data.IO.BinarySaver.TryLoadTypeAndValue",
        "Microsoft.ML.Data.IO.BinarySaver.TryWriteTypeAndValue",
        "Microsoft.ML.Data.IO.CompressionKind",
        "Microsoft.ML.Data.IRowMapper",
        "Microsoft.ML.Data.ITransformTemplate",
        "Microsoft.ML.Data.ITransformTemplate.ApplyToData",
        "Microsoft.ML.Data.RowToRowMapperTransform",
        "Microsoft.ML.Data.RowToRowMapperTransform..ctor",
        "Microsoft.ML.Data.RowToRowMapperTransform.GetOutputSchema",
        "Microsoft.ML.Data.RowToRowMapperTransform.GetTransformer",
        "Microsoft.ML.Data.TransformBase",
        "Microsoft.ML.Data.TransformBase.get_OutputSchema",
        "Microsoft.ML.Data.TransformBase.get_Source",
        "Microsoft.ML.Data.ZipDataView",
        "Microsoft.ML.Data.ZipDataView.Create",
        "Microsoft.ML.DataOperationsCatalog..ctor",
        "Microsoft.ML.ExtensionBaseAttribute..ctor",
        "Microsoft.ML.ISingleFeaturePredictionTransformer",
        "Microsoft.ML.ISingleFeaturePredictionTransformer.get_FeatureColumnName",
        "Microsoft.ML.ITransformerWithDifferentMappingAtTrainingTime",
        "Microsoft.ML.ITransformerWithDifferentMappingAtTrainingTime.TransformForTrainingPipeline",
        "Microsoft.ML.LoadableClassAttribute",
        "Microsoft.ML.LoadableClassAttribute..ctor",
        "Microsoft.ML.Model.OnnxConverter.ICanSaveOnnx",
        "Microsoft.ML.Model.OnnxConverter.ICanSaveOnnx.CanSaveOnnx",
        "Microsoft.ML.Model.OnnxConverter.ISaveAsOnnx",
        "Microsoft.ML.Model.OnnxConverter.ISaveAsOnnx.SaveAsOnnx",
        "Microsoft.ML.Model.OnnxConverter.ITransformCanSaveOnnx",
        "Microsoft.ML.Model.OnnxConverter.OnnxContext",
        "Microsoft.ML.ModelHeader",
        "Microsoft.ML.ModelHeader.ModelVerWritten",
        "Microsoft.ML.ModelLoadContext",
        "Microsoft.ML.ModelLoadContext.CheckAtModel",
        "Microsoft.ML.ModelLoadContext.Directory",
        "Microsoft.ML.ModelLoadContext.Header",
        "Microsoft.ML.ModelLoadContext.LoadModel",
        "Microsoft.ML.ModelLoadContext.LoadNonEmptyString",
        "Microsoft.ML.ModelLoadContext.LoadStringOrNull",
        "Microsoft.ML.ModelLoadContext.Reader",
        "Microsoft.ML.ModelLoadContext.Repository",
        "Microsoft.ML.ModelLoadContext.TryLoadBinaryStream",
        "Microsoft.ML.ModelSaveContext.CheckAtModel",
        "Microsoft.ML.ModelSaveContext.Directory",
        "Microsoft.ML.ModelSaveContext.Repository",
        "Microsoft.ML.ModelSaveContext.SaveBinaryStream",
        "Microsoft.ML.ModelSaveContext.SaveModel",
        "Microsoft.ML.ModelSaveContext.SaveNonEmptyString",
        "Microsoft.ML.ModelSaveContext.SaveStringOrNull",
        "Microsoft.ML.ModelSaveContext.SaveTextStream",
        "Microsoft.ML.ModelSaveContext.SetVersionInfo",
        "Microsoft.ML.ModelSaveContext.Writer",
        "Microsoft.ML.RepositoryReader",
        "Microsoft.ML.RepositoryWriter",
        "Microsoft.ML.Runtime.ComponentCatalog.GetExtensionValue",
        "Microsoft.ML.Runtime.Contracts",
        "Microsoft.ML.Runtime.Contracts.CheckAlive",
        "Microsoft.ML.Runtime.Contracts.Except",
        "Microsoft.ML.Runtime.Contracts.ExceptNotSupp",
        "Microsoft.ML.Runtime.Contracts.ExceptParam",
        "Microsoft.ML.Runtime.Contracts.ExceptSchemaMismatch",
        "Microsoft.ML.Runtime.HostExtensions",
        "Microsoft.ML.Runtime.HostExtensions.Error",
        "Microsoft.ML.Runtime.HostExtensions.Info",
        "Microsoft.ML.Runtime.HostExtensions.Warning",
        "Microsoft.ML.Runtime.IHostEnvironmentInternal",
        "Microsoft.ML.Runtime.IHostEnvironmentInternal.get_FallbackToCpu",
        "Microsoft.ML.Runtime.IHostEnvironmentInternal.get_GpuDeviceId",
        "Microsoft.ML.Runtime.IHostEnvironmentInternal.get_Seed",
        "Microsoft.ML.Runtime.IHostEnvironmentInternal.get_TempFilePath",
        "Microsoft.ML.SchemaShape.Column..ctor",
        "Microsoft.ML.SchemaShape.Column.GetTypeString",
        "Microsoft.ML.SchemaShape.Create",
        "Microsoft.ML.SchemaShape.TryFindColumn",
        "Microsoft.ML.SignatureLoadModel",
        "Microsoft.ML.VersionInfo",
        "Microsoft.ML.VersionInfo..ctor",
    ];

    private static readonly string[] s_knownToOnnx =
    [
        "Microsoft.ML.Calibrators.ParameterMixingCalibratedModelParameters`2",
        "Microsoft.ML.Calibrators.PlattCalibrator..ctor",
        "Microsoft.ML.Data.EmptyDataView",
        "Microsoft.ML.Data.EmptyDataView..ctor",
        "Microsoft.ML.Data.IRowMapper",
        "Microsoft.ML.Data.IRowMapper.CreateGetters",
        "Microsoft.ML.Data.IRowMapper.GetDependencies",
        "Microsoft.ML.Data.IRowMapper.GetOutputColumns",
        "Microsoft.ML.Data.RowToRowMapperTransform",
        "Microsoft.ML.Data.RowToRowMapperTransform..ctor",
        "Microsoft.ML.Data.RowToRowTransformerBase.MakeRowMapper",
        "Microsoft.ML.IPredictorProducing`1",
        "Microsoft.ML.LoadableClassAttribute",
        "Microsoft.ML.LoadableClassAttribute..ctor",
        "Microsoft.ML.ModelLoadContext",
        "Microsoft.ML.ModelLoadContext.CheckAtModel",
        "Microsoft.ML.ModelLoadContext.TryLoadBinaryStream",
        "Microsoft.ML.ModelSaveContext.CheckAtModel",
        "Microsoft.ML.ModelSaveContext.SaveBinaryStream",
        "Microsoft.ML.ModelSaveContext.SetVersionInfo",
        "Microsoft.ML.Runtime.HostExtensions",
        "Microsoft.ML.Runtime.HostExtensions.Info",
        "Microsoft.ML.Runtime.HostExtensions.Warning",
        "Microsoft.ML.SignatureLoadModel",
        "Microsoft.ML.Trainers.LinearBinaryModelParameters..ctor",
        "Microsoft.ML.Trainers.LinearRegressionModelParameters..ctor",
        "Microsoft.ML.Trainers.MaximumEntropyModelParameters..ctor",
        "Microsoft.ML.Trainers.OneVersusAllModelParameters.Create",
        "Microsoft.ML.Trainers.OneVersusAllModelParameters.OutputFormula",
        "Microsoft.ML.VersionInfo",
        "Microsoft.ML.VersionInfo..ctor",
    ];

    private static IEnumerable<(string Name, int Token)> References(Assembly library)
    {
        using var file = new PEReader(File.OpenRead(library.Location));
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

    /// <summary>Null where the type is not of the assemblies whose internals are used.</summary>
    private static string? FullName(MetadataReader metadata, TypeReferenceHandle handle)
    {
        var type = metadata.GetTypeReference(handle);
        var name = metadata.GetString(type.Name);
        return type.ResolutionScope.Kind switch
        {
            HandleKind.TypeReference => FullName(metadata, (TypeReferenceHandle)type.ResolutionScope) is { } outer
                ? $"{outer}.{name}"
                : null,
            HandleKind.AssemblyReference when metadata.GetString(
                metadata.GetAssemblyReference((AssemblyReferenceHandle)type.ResolutionScope).Name) is "Microsoft.ML.Core"
                or "Microsoft.ML.Data" or "Microsoft.ML.StandardTrainers" =>
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
