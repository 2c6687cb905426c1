using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tests.MlNet;

[TestClass]
public sealed class ContextsTests
{
    [TestMethod]
    public void ATrainerSpeaksThroughTheContextThatItsCatalogBelongsTo()
    {
        var context = new MLContext(seed: 7);
        var heard = new List<string>();
        context.Log += (_, message) => heard.Add(message.RawMessage);

        var environment = Contexts.GetEnvironment(context.MulticlassClassification.Trainers);
        using (var channel = environment.Start("test"))
            channel.Info(MessageSensitivity.None, "hello");

        CollectionAssert.Contains(heard, "hello");
        Assert.AreEqual(7, Contexts.Seed(environment));
    }
}
