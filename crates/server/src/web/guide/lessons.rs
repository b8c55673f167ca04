//! The lessons. Their edition goes into the trail: who acknowledged one text has not acknowledged another.

/// Counted up when a lesson says something else.
pub(super) const EDITION: u32 = 1;

pub(super) struct Lesson {
    /// In the address and in the trail.
    pub(super) word: &'static str,
    pub(super) title: &'static str,
    pub(super) about: &'static str,
    pub(super) text: &'static [&'static str],
    pub(super) task: &'static str,
    pub(super) button: &'static str,
    /// Where the task is done.
    pub(super) place: &'static str,
    pub(super) questions: &'static [Question],
}

pub(super) struct Question {
    pub(super) text: &'static str,
    pub(super) choices: &'static [&'static str],
    pub(super) right: usize,
    /// What to think of when the answer was wrong.
    pub(super) why: &'static str,
}

pub(super) const LESSONS: [Lesson; 5] = [
    Lesson {
        word: "recorded",
        title: "What is recorded",
        about: "Every action of an agent, who asked for it, who let it, and what came of it.",
        text: &[
            "An agent calls models and tools, runs commands and talks to other hosts. Indelible sits where that happens, or is told of it, and records each action as one event: who did it, on whose order, what it was done to, with which result, how long it took and what it cost.",
            "An event has two parts. The record says who, what and when, and is what lists and figures are made of. The content is what went in and what came out: a prompt and its answer, a command and its output. Who may see records may not always see contents.",
            "Two times stand on every event. “Happened” is what the producer claims. “Recorded” is the server's own clock, and never goes back. Where they differ much, ask why.",
            "Secrets are replaced before anything is stored. What was a token reads as a redaction with a short mark; equal secrets have equal marks, so that one can still see that the same one was used twice.",
        ],
        task: "Open the newest event and read its summary: who, asked by whom, approved by whom.",
        button: "Open the events",
        place: "/events",
        questions: &[
            Question {
                text: "Which time on an event does nobody but the server set?",
                choices: &["Happened", "Recorded", "Both"],
                right: 1,
                why: "“Happened” is a claim of the producer.",
            },
            Question {
                text: "Where is the text of a prompt?",
                choices: &[
                    "In the content of the event",
                    "In its record",
                    "Nowhere, it is redacted",
                ],
                right: 0,
                why: "The record says who, what and when. What went in is the content.",
            },
        ],
    },
    Lesson {
        word: "append-only",
        title: "Why append-only",
        about: "A log that only grows, and that cannot be changed without being caught.",
        text: &[
            "Events are only ever added. Each one is hashed, the hashes form a tree, and the log signs the root of that tree again and again. Such a signed root is a checkpoint: it stands for every event before it, down to the last byte.",
            "Change one letter in one old event, and its hash is another one, and so is every hash above it up to the root. The signed checkpoints that people and programs hold then do not fit any more. That is why a change is found, even if whoever made it owns the server.",
            "What may go is content that has to be erased by law. It goes with a record of who erased what and why, and the proofs of everything else stay valid.",
            "The pill at the top of every page says how far the log is verified. It is quiet when all is well.",
        ],
        task: "Look at what the log signed last, and at the checks of it.",
        button: "Open Integrity",
        place: "/integrity",
        questions: &[
            Question {
                text: "Somebody with access to the server edits an event of last month. What happens?",
                choices: &[
                    "Nothing, they own the server",
                    "The signed checkpoints do not fit the log any more",
                    "The event is restored by itself",
                ],
                right: 1,
                why: "The tree's root changes with every byte below it.",
            },
            Question {
                text: "What does a checkpoint stand for?",
                choices: &[
                    "The newest event",
                    "Every event before it",
                    "The events of one day",
                ],
                right: 1,
                why: "The root is made of all leaves.",
            },
        ],
    },
    Lesson {
        word: "reading",
        title: "Reading a trail",
        about: "From a spike to the exact command, in four clicks.",
        text: &[
            "Observe shows the whole trail: how much happened, what failed, what it cost, and what needs attention. Every figure and every bar is a link to its events.",
            "Events is the list. Narrow it by the facets at the left, or write a filter: “actor:release-captain result:(failure OR error)” is the failures of one agent. Each term is a chip that can be taken away again. Words without a field are searched for in the text.",
            "A job is one run of an agent. Its page shows the steps side by side, what waited for approval and for how long, and what it cost. Replay goes through it step by step, as it was recorded; nothing is run again.",
            "A link holds everything that a page shows. “Share” pins times and the size of the log, so that somebody else sees the same events tomorrow.",
        ],
        task: "Find what failed, and open the job that it belongs to.",
        button: "Show failures",
        place: "/events?q=result%3A%28failure+OR+error%29",
        questions: &[
            Question {
                text: "You sent somebody a shared link. Meanwhile a thousand events were recorded. What do they see?",
                choices: &[
                    "The same events that you saw",
                    "The newest events",
                    "An error",
                ],
                right: 0,
                why: "A shared link takes the log as it was.",
            },
            Question {
                text: "What does Replay run?",
                choices: &[
                    "The commands, in a sandbox",
                    "The model, with the same prompts",
                    "Nothing",
                ],
                right: 2,
                why: "It shows what was recorded.",
            },
        ],
    },
    Lesson {
        word: "exporting",
        title: "Handing it over",
        about: "Evidence that a reviewer checks alone, without your server and without your word.",
        text: &[
            "An export answers five questions: which period, which actions, how much of each, in which form, and for whom. The preview counts exactly what the answers give, and names the gaps inside, before anything is made.",
            "The evidence package holds the raw records, a proof for each, the signed checkpoint and a page that checks all of it in a browser without a network. A reviewer needs the log's key from you beforehand, over another way than the package.",
            "CSV is for reading in a spreadsheet. It is a copy, not evidence: nothing in it can be checked.",
            "An export is an event itself. Later everybody sees who handed over what, and for whom.",
        ],
        task: "Choose last month and look at the preview.",
        button: "Open Export",
        place: "/export",
        questions: &[
            Question {
                text: "What does a reviewer need besides the package to check who signed it?",
                choices: &[
                    "Access to the server",
                    "The log's key, got another way",
                    "Your password",
                ],
                right: 1,
                why: "A key that comes with the package could be anybody's.",
            },
            Question {
                text: "Which form is evidence?",
                choices: &["The package", "CSV", "A screenshot"],
                right: 0,
                why: "Only the package carries proofs.",
            },
        ],
    },
    Lesson {
        word: "gaps",
        title: "Explaining a gap",
        about: "What never arrived is seen. It can be explained, and never filled.",
        text: &[
            "Producers such as the gateway number their events from zero, without holes. When number 88,412 is there and 88,420 is the next one, seven events were made and never arrived. The trail shows that as a gap, with the producer, the numbers and the time between.",
            "A gap is not a proof that somebody did wrong. A machine can die with events that it had not sent. It is a question that somebody has to answer.",
            "An explanation is a new event that names the gap and says what happened. The missing events stay missing: nobody can put something in later and pretend that it was there.",
            "What no producer numbers cannot be missed. That is why the trail says “every numbered event that never came is a visible gap”, and never “complete”.",
        ],
        task: "See which producers number their events, and whether one has a gap.",
        button: "Open the producers",
        place: "/integrity#producers",
        questions: &[
            Question {
                text: "The missing events are found on a disk a week later. Can they be put into the gap?",
                choices: &[
                    "Yes, in their old place",
                    "No. They can be recorded now, as events of now",
                    "Only by an admin",
                ],
                right: 1,
                why: "The log only grows at its end.",
            },
            Question {
                text: "Why does the trail never say that it is complete?",
                choices: &[
                    "It is too young",
                    "What was never numbered cannot be missed",
                    "It would cost speed",
                ],
                right: 1,
                why: "Only numbers without holes show that one is missing.",
            },
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_has_one_right_answer_and_says_why() {
        for lesson in &LESSONS {
            assert!(
                !lesson.questions.is_empty() && !lesson.task.is_empty(),
                "{}",
                lesson.word
            );
            for question in lesson.questions {
                assert!(
                    question.right < question.choices.len() && !question.why.is_empty(),
                    "{}",
                    question.text
                );
            }
        }
    }

    #[test]
    fn no_lesson_promises_what_nobody_can() {
        for text in LESSONS.iter().flat_map(|lesson| lesson.text) {
            let text = text.to_lowercase();
            assert!(
                !text.contains("compliant") && !text.contains("secure"),
                "{text}"
            );
        }
    }
}
