[assembly: DoNotParallelize] // builds and trainings that share two cores would only wait for one another
