namespace MlNetFineTune.Networks;

/// <summary>A transformer that holds a fine-tuned network.</summary>
internal interface IFineTunedModel
{
    SourceModel AsSource();
}
