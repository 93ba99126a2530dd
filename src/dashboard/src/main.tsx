import { render } from 'preact'
import { App } from './app'
import { startKeyboard } from './keyboard'
import { startRouter } from './router'
import './styles/main.css'

startRouter()
startKeyboard()
render(<App />, document.getElementById('app')!)
