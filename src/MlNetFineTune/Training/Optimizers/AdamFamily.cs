using MlNetFineTune.Training;

namespace MlNetFineTune;

public abstract partial record Optimizer
{
    /// <summary>The options that Adam and AdamW share, checked once.</summary>
    internal abstract record AdamFamily : Optimizer
    {
        private protected AdamFamily(float weightDecay, float beta1, float beta2, float epsilon)
            : base(weightDecay)
        {
            (Beta1, Beta2) = (CheckMemory(beta1, nameof(beta1)), CheckMemory(beta2, nameof(beta2)));
            Epsilon = CheckEpsilon(epsilon);
        }

        public float Beta1 { get; }

        public float Beta2 { get; }

        public float Epsilon { get; }

        private protected string Text(string name) =>
            FormattableString.Invariant($"{name}(weightDecay: {WeightDecay}, beta1: {Beta1}, beta2: {Beta2}, epsilon: {Epsilon})");
    }
}
