[assembly: DoNotParallelize] // programs that train on two cores would only wait for one another
