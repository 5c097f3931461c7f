"""What is asked: quizzes today; exams, assignments and surveys by the same kind."""
