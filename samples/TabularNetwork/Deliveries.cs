using Microsoft.ML.Data;

namespace TabularNetwork;

/// <summary>A parcel, and whether it was late.</summary>
internal sealed class Delivery
{
    public string City { get; set; } = "";

    public string Carrier { get; set; } = "";

    public string Weekday { get; set; } = "";

    /// <summary>Distance in kilometres.</summary>
    public float Distance { get; set; }

    /// <summary>Weight in kilograms.</summary>
    public float Weight { get; set; }

    /// <summary>Hour of the drop-off, 0 to 24.</summary>
    public float Hour { get; set; }

    [ColumnName("Label")]
    public bool Late { get; set; }

    /// <summary>True log-odds of being late; not an input.</summary>
    public float LogOdds { get; set; }
}

/// <summary>
/// Simulated parcels: the probability of being late depends on carrier and city together, on the distance, on late hours before the
/// weekend, and slightly on the weight. The label is random given this probability, which limits the reachable accuracy.
/// </summary>
internal static class Deliveries
{
    private static readonly string[] s_weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

    public static Delivery[] Draw(int count, int seed)
    {
        var random = new Random(seed); // a fixed seed gives the same numbers on every machine
        return [.. Enumerable.Range(0, count).Select(_ => DrawOne(random))];
    }

    private static Delivery DrawOne(Random random)
    {
        var (city, carrier, weekday) = (random.Next(40), random.Next(6), random.Next(7));
        var (distance, weight, hour) = (random.NextDouble() * 600, Math.Exp(random.NextDouble() * 4 - 1), random.NextDouble() * 24);

        var coping = 1.4 * Math.Sin(1.7 * city + 2.3 * carrier); // an interaction of city and carrier
        var rush = weekday is 4 or 5 && hour > 15 ? 1.5 : 0;
        var logit = coping + rush + (distance - 300) / 150 + 0.02 * weight - 0.6;
        return new Delivery
        {
            City = $"city {city:00}",
            Carrier = $"carrier {carrier}",
            Weekday = s_weekdays[weekday],
            Distance = (float)distance,
            Weight = (float)weight,
            Hour = (float)hour,
            LogOdds = (float)logit,
            Late = random.NextDouble() < 1 / (1 + Math.Exp(-logit)),
        };
    }
}
