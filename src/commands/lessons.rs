//! `lessons list|edit|drop`: what agents learned in this repository, and what people make of that.

use crate::adapters::store::lessons::KnownLesson;
use crate::cli::steer::LessonsCommands;
use crate::commands::answer::Answer;
use crate::commands::place::Place;
use crate::commands::store::{look, open};
use crate::commands::wire::Wiring;
use crate::config::loaded::Overrides;
use crate::error::{Error, Kind};
use crate::reporters::shape::VERSION;
use crate::reporters::words::plural;
use crate::rules::exit::Exit;
use crate::rules::lesson::LESSON_MAX;
use crate::rules::printable::{clip, printable};
use serde_json::{Value, json};

/// Does what the subcommand says.
pub fn run(place: &Place, command: &LessonsCommands) -> Result<Exit, Error> {
    let project = Wiring::new(place, &Overrides::default())?.project_key();
    let state = place.state_dir()?;
    let answer = match command {
        LessonsCommands::List => {
            let store = look(&state)?;
            let known = store.map(|store| store.lessons(&project)).transpose()?;
            list(&known.unwrap_or_default())
        }
        LessonsCommands::Edit { lesson, text } => {
            let text = words(*lesson, text)?;
            if !open(&state)?.edit_lesson(&project, *lesson, &text)? {
                return Err(unknown("edit", *lesson));
            }
            done("lesson_edited", *lesson, &format!("{lesson}: {text}\n"))
        }
        LessonsCommands::Drop { lesson } => {
            if !open(&state)?.drop_lesson(&project, *lesson)? {
                return Err(unknown("drop", *lesson));
            }
            done(
                "lesson_dropped",
                *lesson,
                &format!("{lesson} is told to nobody any more\n"),
            )
        }
    };
    answer.print(&place.output)?;
    Ok(Exit::Done)
}

fn list(known: &[KnownLesson]) -> Answer {
    let text = if known.is_empty() {
        "Nothing was learned here yet.\n".to_owned()
    } else {
        known.iter().map(line).collect()
    };
    let lessons: Vec<Value> = known.iter().map(object).collect();
    let event = json!({ "v": VERSION, "event": "lessons", "lessons": lessons });
    Answer { text, event }
}

fn line(known: &KnownLesson) -> String {
    let lesson = &known.lesson;
    format!(
        "{:>3}  {}\n     {}, {}, {}\n",
        known.id,
        printable(&lesson.text),
        lesson.domain.word(),
        lesson.source.word(),
        plural(u64::from(lesson.times), "task")
    )
}

fn object(known: &KnownLesson) -> Value {
    let lesson = &known.lesson;
    json!({
        "id": known.id,
        "text": lesson.text,
        "source": lesson.source,
        "domain": lesson.domain.word(),
        "paths": lesson.paths,
        "times": lesson.times,
    })
}

fn done(event: &str, lesson: u64, text: &str) -> Answer {
    let event = json!({ "v": VERSION, "event": event, "lesson": lesson });
    let text = text.to_owned();
    Answer { text, event }
}

fn words(lesson: u64, words: &[String]) -> Result<String, Error> {
    let words = words.join(" ");
    let text = clip(&words, LESSON_MAX);
    let cause = if text.is_empty() {
        "there are no words in it".to_owned()
    } else if words.chars().count() > LESSON_MAX {
        format!("it has more than {LESSON_MAX} characters")
    } else {
        return Ok(text);
    };
    Err(Error::new(Kind::Usage, format!("edit lesson {lesson}")).cause(cause))
}

fn unknown(action: &str, lesson: u64) -> Error {
    Error::new(Kind::Usage, format!("{action} lesson {lesson}"))
        .cause("there is no such lesson")
        .hints(["`autoissue lessons list` shows their numbers"])
}
