using System.Reflection;
using System.Reflection.Emit;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using TorchSharp;

namespace MlNetFineTune.Tests.Modules;

/// <summary>A saved module finds its factory in the assemblies of the application, and nothing else there.</summary>
[TestClass]
public sealed class ShippedFactoryTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void AModelIsLoadedWithoutARegistration()
    {
        using var model = Train();
        using var loaded = (FineTuningTransformer)new MLContext().Model.Load(new MemoryStream(SmallTraining.Save(_ml, model)), out _);

        var data = SmallModules.View(_ml, TableRow.Many(20, seed: 2));
        var expected = model.Transform(data).GetColumn<float>("Score").ToArray();
        CollectionAssert.AreEqual(expected, loaded.Transform(data).GetColumn<float>("Score").ToArray());
    }

    [TestMethod]
    public void AnAssemblyThatIsNotThereIsNamedInTheErrorAndInTheLog()
    {
        using var model = Train();
        var ml = new MLContext();
        var log = new List<string>();
        ml.Log += (_, line) =>
        {
            if (line.Kind == ChannelMessageKind.Error)
                log.Add(line.RawMessage);
        };

        var error = Assert.Throws<TargetInvocationException>(() =>
            ml.Model.Load(new MemoryStream(With(model, "Their.Factory, Not.Here")), out _)).GetBaseException();

        Assert.IsInstanceOfType<InvalidOperationException>(error);
        var call = "ml.ComponentCatalog.RegisterAssembly(typeof(Their.Factory).Assembly)";
        foreach (var part in (string[])["'two layers', which is not registered", "Not.Here.dll", call])
            StringAssert.Contains(error.Message, part);
        CollectionAssert.AreEqual(new[] { error.Message }, log);
    }

    // The class is found by its contract name, since the class may have been renamed.
    [TestMethod]
    public void ARenamedFactoryOfTheSameContractIsFound()
    {
        using var model = Train();
        var zip = With(model, "MlNetFineTune.Tests.Support.EarlierName, MlNetFineTune.Tests");
        ((IDisposable)new MLContext().Model.Load(new MemoryStream(zip), out _)).Dispose();
        Assert.AreEqual(typeof(TwoLayersFactory), ShippedFactory.Find("EarlierName, MlNetFineTune.Tests", "two layers"));
    }

    [TestMethod]
    [DataRow("MlNetFineTune.Tests.Support.TwoLayersFactory, MlNetFineTune.Tests", "embedding")] // another contract
    [DataRow("System.Collections.Generic.List`1, System.Private.CoreLib", "two layers")] // no factory
    [DataRow("MlNetFineTune.Tests.Modules.ShippedFactoryTests+NoConstructor, MlNetFineTune.Tests", "no constructor")]
    [DataRow("MlNetFineTune.Tests.Support.TwoLayersFactory, ../MlNetFineTune.Tests", "two layers")]
    [DataRow("MlNetFineTune.Tests.Support.TwoLayersFactory, /tmp/MlNetFineTune.Tests", "two layers")]
    [DataRow("MlNetFineTune.Tests.Support.TwoLayersFactory, MlNetFineTune.Tests\0", "two layers")]
    [DataRow("MlNetFineTune.Tests.Support.TwoLayersFactory", "two layers")]
    [DataRow(", ", "two layers")]
    [DataRow("", "")]
    public void AFileCannotChooseAnythingElse(string factoryType, string contract) =>
        Assert.IsNull(ShippedFactory.Find(factoryType, contract));

    // As a plug-in that is copied to the application's folder and not listed in its dependencies.
    [TestMethod]
    public void AnAssemblyBesideTheApplicationIsLoaded()
    {
        var name = $"MlNetFineTune.Shipped{Guid.NewGuid():N}";
        var path = Path.Combine(AppContext.BaseDirectory, $"{name}.dll");
        try
        {
            Emit(name, path);
            Assert.AreEqual("Shipped.Factory", ShippedFactory.Find($"Shipped.Factory, {name}", "shipped")?.FullName);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private FineTuningTransformer Train() =>
        _ml.Regression.Trainers.FineTuneModule(SmallModules.Regression with { Epochs = 1 }).Fit(SmallModules.View(_ml, TableRow.Many(40)));

    private byte[] With(ITransformer model, string factoryType) => Zip.With(SmallTraining.Save(_ml, model), "manifest.json", bytes =>
    {
        var manifest = JsonNode.Parse(bytes)!;
        manifest["Encoder"]!["Contract"]!["FactoryType"] = factoryType;
        return Encoding.UTF8.GetBytes(manifest.ToJsonString());
    });

    private static void Emit(string name, string path)
    {
        var assembly = new PersistedAssemblyBuilder(new AssemblyName(name), typeof(object).Assembly);
        var type = assembly.DefineDynamicModule(name).DefineType("Shipped.Factory", TypeAttributes.Public | TypeAttributes.Class,
            typeof(ModuleFactory));
        type.SetCustomAttribute(new CustomAttributeBuilder(typeof(ModuleFactoryAttribute).GetConstructor([typeof(string)])!, ["shipped"]));
        type.DefineDefaultConstructor(MethodAttributes.Public);
        var create = type.DefineMethod(nameof(ModuleFactory.Create),
            MethodAttributes.Public | MethodAttributes.Virtual | MethodAttributes.HideBySig, typeof(torch.nn.Module),
            [typeof(ModuleContext)]);
        var body = create.GetILGenerator();
        body.Emit(OpCodes.Ldnull);
        body.Emit(OpCodes.Ret);
        type.CreateType();
        assembly.Save(path);
    }

    [ModuleFactory("no constructor")]
    private sealed class NoConstructor : ModuleFactory
    {
        private NoConstructor()
        {
        }

        public override torch.nn.Module Create(ModuleContext context) => throw new NotSupportedException();
    }
}
