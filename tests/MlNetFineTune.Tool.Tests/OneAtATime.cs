// Each runs processes that use all cores.
[assembly: DoNotParallelize]
