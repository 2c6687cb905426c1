namespace MlNetFineTune.Reporting;

/// <summary>The report's style sheet.</summary>
internal static class PageStyle
{
    public static Markup Sheet => $$"""
        :root{--paper:#fbfbfa;--card:#fff;--bad:#c8382f;{{ChartStyle.Light.Variables}}}
        @media(prefers-color-scheme:dark){:root{--paper:#15171a;--card:#1d2024;--bad:#ff8378;{{ChartStyle.Dark.Variables}}} }
        *{box-sizing:border-box}
        body{margin:0;background:var(--paper);color:var(--ink);
          font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
        main{max-width:1120px;margin:0 auto;padding:28px 20px 60px}
        h1{font-size:26px;line-height:1.2;margin:0 0 4px;overflow-wrap:anywhere}
        h2{font-size:18px;margin:36px 0 10px}
        h3{font-size:14px;margin:0 0 6px;color:var(--soft);font-weight:600}
        p{margin:0 0 12px}.lead,.note{color:var(--soft)}.note{font-size:13px;margin-top:10px}
        dl,dd,ul,figure{margin:0;padding:0}ul{list-style:none}
        .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px;margin-top:18px}
        .tiles div,.chart,.cards li,.pairs>div{background:var(--card);border:1px solid var(--rule);border-radius:8px}
        .tiles div{padding:10px 14px}.tiles dt{font-size:12px;color:var(--soft)}
        .tiles dd{font-size:19px;font-weight:600;font-variant-numeric:tabular-nums}
        .charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,310px),1fr));gap:12px}.charts.one{max-width:560px}
        .charts+.wide{margin-top:12px}
        .chart{padding:12px 12px 6px}
        .chart figcaption{display:flex;flex-wrap:wrap;justify-content:space-between;gap:2px 12px;font-weight:600;font-size:14px}
        .legend{display:flex;flex-wrap:wrap;gap:0 12px;font-weight:400;font-size:12px;color:var(--soft)}.legend span{white-space:nowrap}
        .legend i{display:inline-block;width:14px;height:3px;border-radius:2px;margin-right:5px;
          vertical-align:middle;background:var(--soft)}
        .legend i.first{background:var(--first)}.legend i.second{background:var(--second)}.legend i.faint{opacity:.45}
        svg{display:block;width:100%;height:auto}
        {{ChartStyle.FromVariables.Rules}}
        .wide{overflow-x:auto;width:fit-content;max-width:100%;background:var(--card);border:1px solid var(--rule);border-radius:8px}
        table{border-collapse:collapse;font-variant-numeric:tabular-nums;min-width:100%}
        th,td{padding:6px 10px;text-align:left;font-size:14px}
        thead th{font-size:12px;color:var(--soft);font-weight:600;vertical-align:bottom}
        tbody tr+tr>*{border-top:1px solid var(--rule)}.number{text-align:right}
        .confusion{min-width:0}.confusion td,.confusion thead th+th{text-align:center;min-width:58px}.confusion th{white-space:nowrap}
        .confusion .none{color:var(--soft);opacity:.6}
        .confusion .right{background:color-mix(in srgb,var(--first) calc(8% + var(--share)*34%),transparent)}
        .confusion .wrong{background:color-mix(in srgb,var(--bad) calc(10% + var(--share)*60%),transparent)}
        .confusion .sum,.confusion .sum td{color:var(--soft);font-size:12.5px}
        .cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(152px,1fr));gap:12px}
        .cards li{overflow:hidden}.cards img{display:block;width:100%;height:auto;aspect-ratio:1;object-fit:cover;background:var(--rule)}
        .of-pairs{grid-template-columns:repeat(auto-fill,minmax(min(100%,256px),1fr))}
        .pair{display:grid;grid-template-columns:1fr 1fr;gap:1px}
        .verdict{padding:8px 10px;font-size:13px;display:grid;gap:1px}
        .verdict span{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
        .said b{color:var(--bad)}.truth b{color:var(--first)}.where{color:var(--soft);font-size:11.5px}
        .pairs{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:12px}.pairs>div{padding:14px}
        .pairs dl{display:grid;grid-template-columns:minmax(110px,auto) 1fr;gap:4px 14px;font-size:13px}
        .pairs dt{color:var(--soft)}.pairs dd{overflow-wrap:anywhere}
        @media(max-width:520px){main{padding:18px 12px 40px}
          .tiles,.cards{grid-template-columns:1fr 1fr}.cards.of-pairs{grid-template-columns:1fr}
          .pairs dl{grid-template-columns:1fr;gap:0}.pairs dd{margin-bottom:7px} }
        """;
}
