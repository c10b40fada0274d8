mod build;
mod odd;
mod pairs;
mod served;
