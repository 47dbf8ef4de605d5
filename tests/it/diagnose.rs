//! What is wrong is found, and said with its remedy: by the real binary, with everything that can go
//! wrong provoked, and by the bot.

mod bot;
mod database;
mod guild;
mod report;
mod surroundings;
