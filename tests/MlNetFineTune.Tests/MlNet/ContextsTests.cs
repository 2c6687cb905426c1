using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tests.MlNet;

[TestClass]
public sealed class ContextsTests
{
    [TestMethod]
    public void EveryCatalogLeadsToTheContextThatItWasMadeWith()
    {
        var context = new MLContext();
        var heard = new List<string>();
        context.Log += (_, message) => heard.Add(message.RawMessage);

        IHostEnvironment[] environments =
        [
            Contexts.GetEnvironment(context.MulticlassClassification),
            Contexts.GetEnvironment(context.MulticlassClassification.Trainers),
            Contexts.GetEnvironment(context.Transforms),
            Contexts.GetEnvironment(context.Model),
            Contexts.GetEnvironment(context.Data),
        ];
        for (var i = 0; i < environments.Length; i++)
        {
            using var channel = environments[i].Start("test");
            channel.Info(MessageSensitivity.None, "from {0}", i);
        }

        CollectionAssert.IsSubsetOf(new[] { "from 0", "from 1", "from 2", "from 3", "from 4" }, heard);
    }
}
