[assembly: DoNotParallelize] // programs, browsers and trainings that share two cores would only wait for one another
