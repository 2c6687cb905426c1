using MlNetFineTune.MlNet;

namespace MlNetFineTune.Training;

/// <summary>Finds a student's classes among those of its teacher, by name.</summary>
internal static class TeacherClasses
{
    /// <returns>For each class of the student its index among the teacher's.</returns>
    /// <exception cref="InvalidOperationException">Teacher and student do not have the same classes.</exception>
    public static int[] InOrderOf(LabelKeys student, string labelColumn, LabelKeys teacher)
    {
        if ((student.ValueType is null) != (teacher.ValueType is null))
            throw new InvalidOperationException(
                $"Distillation: the label of the teacher {Values(teacher)}, and '{labelColumn}' {Values(student)}: "
                + "the two cannot be matched. Make both by Conversion.MapValueToKey.");
        var places = teacher.PlacesOf(student);
        var known = places.ToHashSet();
        var onlyTeacher = teacher.Names.Where((_, place) => !known.Contains(place)).ToList();
        var onlyStudent = student.Names.Where((_, index) => places[index] < 0).ToList();
        if (onlyTeacher.Count + onlyStudent.Count > 0)
        {
            throw new InvalidOperationException(
                $"Distillation: a teacher must know the classes of '{labelColumn}' and no others, in any order. "
                + $"Only the teacher knows {SafeText.Several(onlyTeacher, quoted: true)}; "
                + $"only '{labelColumn}' has {SafeText.Several(onlyStudent, quoted: true)}. "
                + "Train the teacher on the same classes, or leave out the rows of the others.");
        }
        return places;
    }

    private static string Values(LabelKeys keys) => keys.ValueType is null ? "has no key values" : "has key values";
}
